"""Train LoRA on a GPU beside the host's trainer and diffusers with PEFT: SD1.5- and SDXL-shaped UNets, random weights.

All train rank 16 on the same layers with AdamW, the frozen UNet in bfloat16, latents and contexts encoded before. Each
case has a process of its own, and its steps are timed between two synchronisations after a warm-up. The last column is
what part of the card's measured rate of bfloat16 matrix products a step's own arithmetic makes.

    python run.py bench train_lora_gpu            an NVIDIA GPU; about half an hour; diffusers and peft where installed
    python run.py bench train_lora_gpu tiny       small shapes on the CPU, to see that it runs
"""

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import conftest  # noqa: E402, F401 - puts the pack and the host on the path
from _host_trainer import train_with_host  # noqa: E402

RANK, EXAMPLES, WARM_UP, STEPS = 16, 8, 5, 20
CASES = ("ours", "ours, compiled", "ours, CUDA graph", "host", "host, bypass", "diffusers")


@dataclass(frozen=True)
class Shape:
    """A family's UNet: side of its latents, what the host's class takes, and what diffusers' takes."""

    family: str
    latent: int
    host: dict[str, Any]
    diffusers: dict[str, Any]


SD1 = {
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 320,
    "channel_mult": [1, 2, 4, 4],
    "num_res_blocks": [2] * 4,
    "transformer_depth": [1] * 6 + [0] * 2,
    "transformer_depth_output": [1] * 9 + [0] * 3,
    "transformer_depth_middle": 1,
    "context_dim": 768,
    "use_spatial_transformer": True,
    "use_linear_in_transformer": False,
    "adm_in_channels": None,
    "num_heads": 8,
    "num_head_channels": -1,
    "legacy": False,
}
SDXL = {
    **SD1,
    "channel_mult": [1, 2, 4],
    "num_res_blocks": [2] * 3,
    "transformer_depth": [0, 0, 2, 2, 10, 10],
    "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10],
    "transformer_depth_middle": 10,
    "context_dim": 2048,
    "use_linear_in_transformer": True,
    "adm_in_channels": 2816,
    "num_classes": "sequential",
    "num_heads": -1,
    "num_head_channels": 64,
}
SMALL = {
    "model_channels": 32,
    "channel_mult": [1, 2],
    "num_res_blocks": [1, 1],
    "transformer_depth": [1, 1],
    "transformer_depth_output": [1] * 4,
    "transformer_depth_middle": 1,
    "context_dim": 32,
}
DOWN, UP = ("DownBlock2D", "CrossAttnDownBlock2D"), ("UpBlock2D", "CrossAttnUpBlock2D")
SHAPES = {
    "SD1.5": Shape(
        "SD1",
        64,
        SD1,
        {
            "block_out_channels": (320, 640, 1280, 1280),
            "down_block_types": (DOWN[1],) * 3 + (DOWN[0],),
            "up_block_types": (UP[0],) + (UP[1],) * 3,
            "cross_attention_dim": 768,
            "attention_head_dim": 8,
        },
    ),
    "SDXL": Shape(
        "SDXL",
        128,
        SDXL,
        {
            "block_out_channels": (320, 640, 1280),
            "down_block_types": (DOWN[0], DOWN[1], DOWN[1]),
            "up_block_types": (UP[1], UP[1], UP[0]),
            "transformer_layers_per_block": (1, 2, 10),
            "cross_attention_dim": 2048,
            "attention_head_dim": (5, 10, 20),
            "use_linear_projection": True,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256,
            "projection_class_embeddings_input_dim": 2816,
        },
    ),
    "tiny": Shape(
        "SD1",
        8,
        {**SD1, **SMALL, "num_heads": 4},
        {
            "block_out_channels": (32, 64),
            "layers_per_block": 1,
            "down_block_types": (DOWN[1],) * 2,
            "up_block_types": (UP[1],) * 2,
            "cross_attention_dim": 32,
            "attention_head_dim": 4,
        },
    ),
}


def host_model(shape: Shape) -> Any:
    """A MODEL of the shape with random bfloat16 weights on the CPU, as a loader would hand it on."""
    import comfy.model_base
    import comfy.model_management
    import comfy.model_patcher
    import comfy.supported_models
    import torch

    kinds = {"SD1": comfy.supported_models.SD15, "SDXL": comfy.supported_models.SDXL}
    config = kinds[shape.family](dict(shape.host))
    config.unet_config.update(shape.host)
    config.set_inference_dtype(torch.bfloat16, None)
    base = comfy.model_base.SDXL if shape.family == "SDXL" else comfy.model_base.BaseModel
    model = base(config, comfy.model_base.ModelType.EPS)
    for parameter in model.diffusion_model.parameters():
        parameter.data = torch.randn(parameter.shape, dtype=torch.bfloat16) * 0.02
    device = comfy.model_management.get_torch_device()
    patcher = comfy.model_patcher.ModelPatcher(model, device, torch.device("cpu"))
    patcher.cached_patcher_init = (lambda disable_dynamic: host_model(shape), ())  # the host trains another copy
    return patcher


def measured(case: str, shape: Shape, batch: int, steps: int) -> dict[str, float]:
    """Seconds per step, the peak of memory in MB, and for our own case the arithmetic of a step in FLOP."""
    import comfy.model_management
    import torch

    device = comfy.model_management.get_torch_device()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    run = {"ours": _ours, "host": _host, "diffusers": _diffusers}[case.split(",")[0]]
    seconds, flops = run(case, shape, batch, steps, device)
    return {"seconds": seconds, "memory": _peak(device), "flops": flops}


def _peak(device: Any) -> float:
    import torch
    from peak_memory import peak_bytes

    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return peak_bytes() / 2**20


def _timed(step: Callable[[], Any], steps: int, device: Any) -> float:
    """Mean seconds of a step after some to warm up."""
    import torch

    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    for _ in range(WARM_UP):
        step()
    wait()
    start = time.perf_counter()
    for _ in range(steps):
        step()
    wait()
    return (time.perf_counter() - start) / steps


def _ours(case: str, shape: Shape, batch: int, steps: int, device: Any) -> tuple[float, float]:
    import torch
    from tilewright.host.in_graph import model as adapter
    from tilewright.host.in_graph.checks import base_model
    from tilewright.host.training import model_conditioning
    from tilewright.nodes.training.run_inputs import run_config
    from tilewright.training.data import Conditioning, Example
    from tilewright.training.loop import Trainer
    from tilewright.training.lora import LoraNetwork
    from torch.utils.flop_counter import FlopCounterMode

    model, side = host_model(shape), shape.latent * 8
    ways = {"ours": "off", "ours, compiled": "compile", "ours, CUDA graph": "CUDA graph"}
    whole = {"steps": WARM_UP + steps + 1, "batch_size": batch, "resolution": side, "seed": 0}
    widgets = {"rank": RANK, "alpha": float(RANK), "learning_rate": 1e-4, "acceleration": ways[case], **whole}
    config = run_config(widgets)
    unet = adapter.training_unet(model, config, device, torch.bfloat16, False)
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
    return _timed(lambda: next(course), steps, device), float(counter.get_total_flops())


def _repeated(row: Any, captions: list[str], _: Any) -> Any:
    return type(row).stack([row] * len(captions))


def _host(case: str, shape: Shape, batch: int, steps: int, device: Any) -> tuple[float, float]:
    import comfy.utils
    import torch

    clocks: list[float] = []  # the host reads its loss at every step, so each report is a synchronisation
    for name in ("update", "update_absolute"):
        setattr(comfy.utils.ProgressBar, name, lambda *_, **__: clocks.append(time.perf_counter()))
    latents = [{"samples": torch.randn(1, 4, shape.latent, shape.latent)} for _ in range(EXAMPLES)]
    pooled = {"pooled_output": torch.randn(1, 1280)} if shape.family == "SDXL" else {}
    texts = [[[torch.randn(1, 77, shape.host["context_dim"]), pooled]] for _ in range(EXAMPLES)]
    widgets = {"batch_size": batch, "steps": WARM_UP + steps, "rank": RANK, "training_dtype": "bf16"}
    with torch.inference_mode():
        train_with_host(host_model(shape), latents, texts, **widgets, bypass_mode="bypass" in case)
    return (clocks[-1] - clocks[-1 - steps]) / steps, 0.0


def _diffusers(case: str, shape: Shape, batch: int, steps: int, device: Any) -> tuple[float, float]:
    """The usual loop of its training scripts: frozen bfloat16, LoRA in float32 under autocast, fused AdamW."""
    import torch
    from diffusers import UNet2DConditionModel
    from peft import LoraConfig

    unet = UNet2DConditionModel(sample_size=shape.latent, in_channels=4, out_channels=4, **shape.diffusers)
    unet.requires_grad_(False).to(device, torch.bfloat16)
    targets = ["to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out"]
    unet.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=targets))
    trained = [parameter for parameter in unet.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.data = parameter.data.float()
    optimizer = torch.optim.AdamW(trained, 1e-4, fused=True)
    context = torch.randn(batch, 77, shape.host["context_dim"], device=device, dtype=torch.bfloat16)
    added = {"text_embeds": torch.randn(batch, 1280, device=device), "time_ids": torch.zeros(batch, 6, device=device)}
    extra = {"added_cond_kwargs": added} if shape.family == "SDXL" else {}

    def step() -> None:
        noisy = torch.randn(batch, 4, shape.latent, shape.latent, device=device)
        timesteps = torch.randint(0, 1000, (batch,), device=device)
        with torch.autocast(device.type, torch.bfloat16):
            prediction = unet(noisy, timesteps, context, **extra).sample
        (prediction.float() - torch.randn_like(noisy)).square().mean().backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return _timed(step, steps, device), 0.0


def matrix_rate(device: Any, size: int) -> float:
    """FLOP per second of bfloat16 matrix products of size x size, as this device makes them."""
    import torch

    one, other = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * size**3 / _timed(lambda: one @ other, 20, device)


def cases(device: Any) -> list[str]:
    """Those that this machine can run."""
    missing = [case for case in CASES if case == "diffusers" and importlib.util.find_spec("diffusers") is None]
    if device.type != "cuda":
        missing += ["ours, compiled", "ours, CUDA graph"]
    return [case for case in CASES if case not in missing]


def main() -> None:
    import comfy.model_management
    import torch

    if sys.argv[1:2] == ["case"]:
        case, name, batch, steps = sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
        print(json.dumps(measured(case, SHAPES[name], batch, steps)))
        return
    tiny = sys.argv[1:2] == ["tiny"]
    device = comfy.model_management.get_torch_device()
    if device.type != "cuda" and not tiny:
        print("There is no NVIDIA GPU here. `tiny` runs small shapes on the CPU.")
        return
    rate = matrix_rate(device, 256 if tiny else 8192)
    card = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    print(f"{card}, torch {torch.__version__}: {rate / 1e12:.3g} TFLOP/s in bfloat16 matrix products")
    print(f"{'shape':<8}{'batch':>6}  {'case':<20}{'steps/s':>9}{'MB':>9}{'of the rate':>13}")
    for name in ["tiny"] if tiny else ["SD1.5", "SDXL"]:
        for batch in (1, 4):
            _table(name, batch, cases(device), 3 if tiny else STEPS, rate)


def _table(name: str, batch: int, wanted: list[str], steps: int, rate: float) -> None:
    flops = 0.0
    for case in wanted:
        command = [sys.executable, __file__, "case", case, name, str(batch), str(steps)]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            last = (run.stderr.strip().splitlines() or [f"exit status {run.returncode}"])[-1]
            print(f"{name:<8}{batch:>6}  {case:<20}failed: {last}")
            continue
        result = json.loads(run.stdout.strip().splitlines()[-1])
        flops = flops or result["flops"]
        share = flops / result["seconds"] / rate
        speed = 1 / result["seconds"]
        print(f"{name:<8}{batch:>6}  {case:<20}{speed:>9.2f}{result['memory']:>9.0f}{share:>12.0%}", flush=True)


if __name__ == "__main__":
    main()
