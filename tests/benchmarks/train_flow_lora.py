"""CPU seconds and peak memory of a training step on small flow transformers: ours beside the host's own trainer.

A Flux and a Z-Image of the host's classes, width 512, random weights, on latents of 32 x 32 and texts of 32 tokens;
rank 16, AdamW, the same precision. Each case has a process of its own, and ours and the host's take turns, so that what
else the machine does falls on both. Seconds are processor time of all threads, medians of steps.

The host cannot train Flux on a CPU: autograd finds that its blocks add in place. "host, mended" lends it this pack's
remedy for that.

    python run.py bench train_flow_lora         rounds (2), steps (5), batch sizes (1 4); Flux or ZImage for one alone
    python run.py bench train_flow_lora tiny    small ones, to see that it runs

On a GPU `bench train_lora_gpu` has them.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import conftest  # noqa: E402, F401 - puts the pack and the host on the path
from _host_trainer import train_with_host  # noqa: E402
from peak_memory import peak_bytes  # noqa: E402

RANK, EXAMPLES, TOKENS, WARM_UP = 16, 8, 32, 2
SIZES = {  # (Flux, Z-Image) of a name: what makes them larger than those of the tests
    "small": (
        {"hidden_size": 512, "num_heads": 4, "mlp_ratio": 4.0, "depth": 2, "depth_single_blocks": 4},
        {"dim": 512, "n_heads": 4, "n_kv_heads": 4, "n_layers": 6, "multiple_of": 256, "ffn_dim_multiplier": 8 / 3},
    ),
    "gpu": (
        {"hidden_size": 2048, "num_heads": 16, "mlp_ratio": 4.0, "depth": 4, "depth_single_blocks": 16},
        {"dim": 2560, "n_heads": 20, "n_kv_heads": 20, "n_layers": 12, "multiple_of": 256, "ffn_dim_multiplier": 8 / 3},
    ),
    "tiny": (
        {"hidden_size": 128, "num_heads": 1, "mlp_ratio": 4.0, "depth": 1, "depth_single_blocks": 1},
        {"dim": 256, "n_heads": 2, "n_kv_heads": 2, "n_layers": 1, "multiple_of": 256, "ffn_dim_multiplier": 1.0},
    ),
}
LATENT = {"small": 32, "gpu": 128, "tiny": 16}
AXES = {"Flux": {"axes_dim": [16, 56, 56]}, "ZImage": {"axes_dims": [32, 48, 48]}}


def model_of(name: str, size: str, dtype: Any) -> Any:
    """A MODEL with random weights, as a loader would hand it on."""
    import comfy.model_management
    from small_flows import small_flow

    changes = SIZES[size][name == "ZImage"] | AXES[name]
    model = small_flow(name, dtype=dtype, spread=0.7, **changes)
    model.load_device = comfy.model_management.get_torch_device()
    model.cached_patcher_init = (lambda disable_dynamic: model_of(name, size, dtype), ())  # the host trains another
    return model


def words(name: str, number: int) -> dict[str, Any]:
    from small_flows import random

    told = {"context": random(1, TOKENS, 24, seed=number)}
    return told | ({"y": random(1, 16, seed=number)} if name == "Flux" else {})


def ours(case: str, model: Any, name: str, batch: int, steps: int, side: int, dtype: Any) -> list[float]:
    """The seconds at which the steps ended."""
    import torch
    from small_flows import random
    from tilewright.host.flow.families import flow_family
    from tilewright.host.in_graph.trained_flow import TrainedFlow
    from tilewright.nodes.training.run_inputs import run_config
    from tilewright.training.data import Example
    from tilewright.training.exported_run import StoredTexts
    from tilewright.training.loop import Trainer
    from tilewright.training.lora import LoraNetwork
    from tilewright.training.text_rows import TextRows

    pixels = (side * 8, side * 8)
    whole = {"steps": WARM_UP + steps, "batch_size": batch, "resolution": max(64, side * 8), "seed": 0}
    ways = {"acceleration": "compile" if "compiled" in case else "off"}
    config = run_config({"rank": RANK, "alpha": float(RANK), "learning_rate": 1e-4, **whole, **ways})
    device = model.load_device
    trained = TrainedFlow(model, flow_family(model))
    network = trained.network(config, device, dtype, False)
    lora = LoraNetwork(trained.layers(network, config), config.network, 0)
    examples = [Example(random(16, side, side, seed=one), str(one), pixels) for one in range(EXAMPLES)]
    texts = {(str(one), pixels): TextRows((words(name, one),)) for one in range(EXAMPLES)}
    denoise, schedule = trained.denoiser(network, config, False), trained.schedule(config)
    trainer = Trainer(lora, denoise, StoredTexts(texts, device), examples, schedule, config, device)
    lora.attach()
    clock, ends = clock_of(device), []
    with torch.inference_mode(False), trained.training():
        for _ in trainer.run():
            ends.append(clock())
    return ends


def hosts(case: str, model: Any, name: str, batch: int, steps: int, side: int, dtype: Any) -> list[float]:
    """The same of the host's node."""
    import comfy.utils
    import torch
    from small_flows import random

    if "mended" in case:
        mend(model)
    clock, ends = clock_of(model.load_device), []
    for reporting in ("update", "update_absolute"):
        setattr(comfy.utils.ProgressBar, reporting, lambda *_, **__: ends.append(clock()))
    latents = [{"samples": random(1, 16, side, side, seed=one)} for one in range(EXAMPLES)]
    texts = []
    for one in range(EXAMPLES):
        told = words(name, one)
        texts.append([[told["context"], {"pooled_output": told["y"]} if "y" in told else {}]])
    widgets = {"batch_size": batch, "steps": WARM_UP + steps, "rank": RANK, "bypass_mode": "bypass" in case}
    told = "fp32" if dtype == torch.float32 else "bf16"
    with torch.inference_mode():
        train_with_host(model, latents, texts, **widgets, training_dtype=told)
    return ends


def mend(model: Any) -> None:
    """Blocks that add in place leave what they were given alone, in this MODEL and in each that the host asks for."""
    from tilewright.host.flow.families import flow_family
    from tilewright.host.flow.trainable import keep_residuals

    family = flow_family(model)
    assert family is not None
    keep_residuals(model.model.diffusion_model, family.blocks)
    made, others = model.cached_patcher_init

    def mended(*given: Any, **named: Any) -> Any:
        another = made(*given, **named)
        keep_residuals(another.model.diffusion_model, family.blocks)
        return another

    model.cached_patcher_init = (mended, others)


def clock_of(device: Any) -> Callable[[], float]:
    """Processor time of all threads; on a GPU the time when all is computed."""
    import torch

    if device.type != "cuda":
        return time.process_time

    def clock() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return clock


def measured(case: str, name: str, size: str, batch: int, steps: int, precision: str) -> dict[str, float]:
    """Seconds of a step, and by how many MB training raises the peak of memory."""
    import torch
    from tilewright.host.in_graph import run  # noqa: F401 - what importing takes is not the training's

    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
    model = model_of(name, size, dtype)
    before = peak_bytes()
    ends = (ours if case.startswith("ours") else hosts)(case, model, name, batch, steps, LATENT[size], dtype)
    steps_took = [later - earlier for earlier, later in zip(ends, ends[1:], strict=False)][WARM_UP - 1 :]
    gpu = model.load_device.type == "cuda"
    memory = torch.cuda.max_memory_allocated() if gpu else peak_bytes() - before
    return {"seconds": median(steps_took), "memory": memory / 2**20}


def in_a_process(*arguments: object) -> dict[str, float] | str:
    run = subprocess.run([sys.executable, __file__, "case", *map(str, arguments)], capture_output=True, text=True)
    if run.returncode:
        return next((line for line in reversed(run.stderr.splitlines()) if line.strip()), "")
    told: dict[str, float] = json.loads(run.stdout.strip().splitlines()[-1])
    return told


def table(size: str, cases: list[str], batches: list[int], rounds: int, steps: int, precisions: dict[str, str]) -> None:
    print(f"{'':<8}{'batch':>6}  {'case':<20}{'s/step':>9}{'MB':>8}   beside the host", flush=True)
    for name, precision in precisions.items():
        for batch in batches:
            found: dict[str, list[dict[str, float]]] = {case: [] for case in cases}
            for case in cases * rounds:
                told = in_a_process(case, name, size, batch, steps, precision)
                if isinstance(told, str):
                    print(f"{name:<8}{batch:>6}  {case:<20} failed: {told[:120]}", flush=True)
                else:
                    found[case].append(told)
            took = {case: median(one["seconds"] for one in runs) for case, runs in found.items() if runs}
            host = next((seconds for case, seconds in took.items() if case.startswith("host")), 0.0)
            for case, seconds in took.items():
                share = f"{host / seconds:.2f}x as fast" if host else ""
                memory = median(one["memory"] for one in found[case])
                print(f"{name:<8}{batch:>6}  {case:<20}{seconds:>9.3f}{memory:>8.0f}   {share}", flush=True)


def main() -> None:
    arguments = sys.argv[1:]
    if arguments[:1] == ["case"]:
        case, name, size, batch, steps, precision = arguments[1:]
        print(json.dumps(measured(case, name, size, int(batch), int(steps), precision)))
        return
    numbers = [int(argument) for argument in arguments if argument.isdigit()]
    (rounds, steps), batches = (numbers + [2, 5][len(numbers) :])[:2], numbers[2:] or [1, 4]
    for name in [name for name in AXES if name in arguments] or AXES:
        cases = ["ours", "host, mended" if name == "Flux" else "host"]
        table("tiny" if "tiny" in arguments else "small", cases, batches, rounds, steps, {name: "float32"})


if __name__ == "__main__":
    main()
