"""A LoRA trained on a UNet of `_unets` by Train Texture LoRA, by the host's own node, and by diffusers with PEFT.

All train rank 16 on the same layers with AdamW; latents and contexts are encoded before.
"""

import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

from _host_trainer import train_with_host
from _unets import SHAPES, Shape, host_model

RANK, EXAMPLES, WARM_UP = 16, 8, 3
KERNELS = {  # in which PyTorch multiplies, forward and backward: any trainer calls them with the same shapes
    "aten::mkldnn_convolution",
    "aten::convolution_backward",
    "aten::_slow_conv2d_forward",
    "aten::_slow_conv2d_backward",
    "aten::mm",
    "aten::addmm",
    "aten::bmm",
    "aten::baddbmm",
    "aten::mkldnn_linear",
    "aten::_scaled_dot_product_flash_attention_for_cpu",
    "aten::_scaled_dot_product_flash_attention_for_cpu_backward",
}


def measured(case: str, name: str, batch: int, steps: int, precision: str = "bfloat16") -> dict[str, float]:
    """Seconds of a step, the peak of memory in MB, for our own case the arithmetic of a step in FLOP, and on a CPU the
    share of its time in the kernels that every trainer needs.

    On a CPU seconds are processor time of all threads, medians of steps.
    """
    import comfy.model_management
    import torch

    device = comfy.model_management.get_torch_device()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
    run = {"ours": _ours, "host": _host, "diffusers": _diffusers}[case.split(",")[0]]
    seconds, kernels, flops = run(case, SHAPES[name], batch, steps, device, dtype)
    return {"seconds": seconds, "memory": _peak(device), "flops": flops, "kernels": kernels}


def _peak(device: Any) -> float:
    import torch
    from peak_memory import peak_bytes

    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return peak_bytes() / 2**20


def _timed(step: Callable[[], Any], steps: int, device: Any) -> tuple[float, float]:
    """Seconds of a step after some to warm up, and on a CPU the share of one more in `KERNELS`."""
    import torch

    for _ in range(WARM_UP):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(steps):
            step()
        torch.cuda.synchronize()
        return (time.perf_counter() - start) / steps, 0.0
    took = []
    for _ in range(steps):
        start = time.process_time()
        step()
        took.append(time.process_time() - start)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        step()
    own = {event.key: event.self_cpu_time_total for event in profile.key_averages()}
    kernels = sum(spent for name, spent in own.items() if name in KERNELS)
    return median(took), kernels / sum(own.values())


def _ours(case: str, shape: Shape, batch: int, steps: int, device: Any, dtype: Any) -> tuple[float, float, float]:
    import torch
    from tilewright.host.in_graph import model as adapter
    from tilewright.host.in_graph.checks import base_model
    from tilewright.host.training import model_conditioning
    from tilewright.nodes.training.run_inputs import run_config
    from tilewright.training.data import Conditioning, Example
    from tilewright.training.loop import Trainer
    from tilewright.training.lora import LoraNetwork
    from torch.utils.flop_counter import FlopCounterMode

    model, side = host_model(shape, dtype), shape.latent * 8
    ways = {"ours": "off", "ours, compiled": "compile", "ours, CUDA graph": "CUDA graph"}
    whole = {"steps": WARM_UP + steps + 2, "batch_size": batch, "resolution": side, "seed": 0}
    widgets = {"rank": RANK, "alpha": float(RANK), "learning_rate": 1e-4, "acceleration": ways[case], **whole}
    config = run_config(widgets)
    unet = adapter.training_unet(model, config, device, dtype, False)
    network = LoraNetwork(adapter.unet_layers(model, unet, config), config.network, 0)
    network.attach()
    pooled = torch.randn(1, 1280) if shape.family == "SDXL" else None
    told = model_conditioning(model, torch.randn(1, 77, shape.host["context_dim"]), pooled, side, side)
    row = Conditioning(*told).to(device, torch.float32)
    examples = [Example(torch.randn(4, shape.latent, shape.latent), "", (side, side)) for _ in range(EXAMPLES)]
    schedule = adapter.noise_schedule(model, base_model(model), config)
    denoise = adapter.unet_denoiser(unet)
    trainer = Trainer(network, denoise, partial(_repeated, row), examples, schedule, config, device)
    with FlopCounterMode(display=False) as counter:
        trainer.forward_backward(trainer.inputs(trainer.batches[0]))
    trainer.optimizer.zero_grad(set_to_none=config.acceleration != "CUDA graph")
    course = trainer.run()
    return *_timed(lambda: next(course), steps, device), float(counter.get_total_flops())


def _repeated(row: Any, captions: list[str], _: Any) -> Any:
    return type(row).stack([row] * len(captions))


def _host(case: str, shape: Shape, batch: int, steps: int, device: Any, dtype: Any) -> tuple[float, float, float]:
    import comfy.utils
    import torch

    now = time.perf_counter if device.type == "cuda" else time.process_time
    clocks: list[float] = []  # the host reads its loss at every step, so each report is a synchronisation
    for name in ("update", "update_absolute"):
        setattr(comfy.utils.ProgressBar, name, lambda *_, **__: clocks.append(now()))
    latents = [{"samples": torch.randn(1, 4, shape.latent, shape.latent)} for _ in range(EXAMPLES)]
    pooled = {"pooled_output": torch.randn(1, 1280)} if shape.family == "SDXL" else {}
    texts = [[[torch.randn(1, 77, shape.host["context_dim"]), pooled]] for _ in range(EXAMPLES)]
    widgets = {"batch_size": batch, "steps": WARM_UP + steps, "rank": RANK}
    widgets |= {"training_dtype": "fp32" if dtype == torch.float32 else "bf16", "bypass_mode": "bypass" in case}
    with torch.inference_mode():
        train_with_host(host_model(shape, dtype), latents, texts, **widgets)
    return (clocks[-1] - clocks[-1 - steps]) / steps, 0.0, 0.0


def _diffusers(case: str, shape: Shape, batch: int, steps: int, device: Any, dtype: Any) -> tuple[float, float, float]:
    """The usual loop of its training scripts: LoRA in float32, under autocast where the UNet is not, fused AdamW."""
    import torch
    from diffusers import UNet2DConditionModel
    from peft import LoraConfig

    unet = UNet2DConditionModel(sample_size=shape.latent, in_channels=4, out_channels=4, **shape.diffusers)
    unet.requires_grad_(False).to(device, dtype)
    targets = ["to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out"]
    unet.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=targets))
    trained = [parameter for parameter in unet.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.data = parameter.data.float()
    optimizer = torch.optim.AdamW(trained, 1e-4, fused=True)
    context = torch.randn(batch, 77, shape.host["context_dim"], device=device, dtype=dtype)
    added = {"text_embeds": torch.randn(batch, 1280, device=device), "time_ids": torch.zeros(batch, 6, device=device)}
    extra = {"added_cond_kwargs": added} if shape.family == "SDXL" else {}

    def step() -> None:
        noisy = torch.randn(batch, 4, shape.latent, shape.latent, device=device)
        timesteps = torch.randint(0, 1000, (batch,), device=device)
        with torch.autocast(device.type, torch.bfloat16, enabled=dtype != torch.float32):
            prediction = unet(noisy, timesteps, context, **extra).sample
        (prediction.float() - torch.randn_like(noisy)).square().mean().backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return *_timed(step, steps, device), 0.0
