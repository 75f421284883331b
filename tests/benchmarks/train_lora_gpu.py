"""Train LoRA on a GPU beside the host's trainer and diffusers with PEFT, in ten minutes at most.

UNets of SD1.5 and SDXL, and transformers of the Flux and Z-Image classes with fewer blocks; random weights in bfloat16,
rank 16, AdamW, latents and contexts encoded before. Each case has a process of its own. The last column is what part of
the card's measured rate of bfloat16 matrix products the arithmetic of a UNet's step makes.

A process takes about 15 seconds to start and build its model, 10 for its steps and up to a minute where it compiles:
some nine minutes for all 28. None begins after nine and a half, and what is left then is named, to be asked for alone.

    python run.py bench train_lora_gpu               an NVIDIA GPU; diffusers and peft where installed
    python run.py bench train_lora_gpu SDXL Flux     these alone, of SD1.5, SDXL, Flux and ZImage
    python run.py bench train_lora_gpu tiny          small shapes on the CPU, to see that it runs
"""

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import conftest  # noqa: E402, F401 - puts the pack and the host on the path
from _unet_trainers import measured  # noqa: E402

SECONDS, STEPS = 570, 10
UNETS = {"SD1.5": ["ours", "ours, CUDA graph"], "SDXL": ["ours", "ours, compiled"]}
OTHERS = ["host", "diffusers"]
TRANSFORMERS = {name: ["ours", "ours, compiled", "host"] for name in ("Flux", "ZImage")}  # the host's may fail for Flux


def matrix_rate(device: Any, size: int) -> float:
    """FLOP per second of bfloat16 matrix products of size x size, as this device makes them."""
    import torch

    one, other = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    for times in (5, 20):
        wait()
        start = time.perf_counter()
        for _ in range(times):
            one @ other
        wait()
    return 2 * size**3 * 20 / (time.perf_counter() - start)


def cases(tiny: bool, wanted: list[str]) -> list[tuple[str, str, int]]:
    """What is measured, as (shape, case, batch), in the order in which it matters."""
    here = OTHERS if importlib.util.find_spec("diffusers") else OTHERS[:1]
    if tiny:
        return [("tiny", case, 1) for case in ["ours", *here]]
    of_shape = {name: own + here for name, own in UNETS.items()} | TRANSFORMERS
    chosen = {name: own for name, own in of_shape.items() if not wanted or name in wanted}
    return [(name, case, batch) for batch in (1, 4) for name, own in chosen.items() for case in own]


def in_time(name: str, case: str, batch: int, steps: int, seconds: float) -> dict[str, float] | str:
    """What a process of its own has measured, or why it has not."""
    script = [__file__, "case", case, name, str(batch), str(steps)]
    if name in TRANSFORMERS:
        folder = Path(__file__).parent
        script = [str(folder / "train_flow_lora.py"), "case", case, name, "gpu", str(batch), str(steps), "bfloat16"]
    try:
        run = subprocess.run([sys.executable, *script], capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return "left out: the time is over"
    if run.returncode:
        return f"failed: {(run.stderr.strip().splitlines() or [f'exit status {run.returncode}'])[-1]}"
    told: dict[str, float] = json.loads(run.stdout.strip().splitlines()[-1])
    return told


def table(todo: list[tuple[str, str, int]], steps: int, rate: float, ends: float) -> list[str]:
    """Print a row for each case that begins before `ends`; the names of the shapes for which there was no time."""
    flops: dict[tuple[str, int], float] = {}
    left: dict[str, None] = {}
    for name, case, batch in todo:
        seconds = ends - time.monotonic()
        found = in_time(name, case, batch, steps, seconds) if seconds > 0 else "left out: the time is over"
        if isinstance(found, str):
            print(f"{name:<8}{batch:>6}  {case:<20}{found[:140]}", flush=True)
            left |= {name: None} if found.startswith("left out") else {}
            continue
        work = flops.setdefault((name, batch), found.get("flops", 0.0))
        share = f"{work / found['seconds'] / rate:>12.0%}" if work else ""
        print(f"{name:<8}{batch:>6}  {case:<20}{1 / found['seconds']:>9.2f}{found['memory']:>9.0f}{share}", flush=True)
    return list(left)


def main() -> None:
    import comfy.model_management
    import torch

    begin, arguments = time.monotonic(), sys.argv[1:]
    if arguments[:1] == ["case"]:
        case, name, batch, steps = arguments[1:]
        print(json.dumps(measured(case, name, int(batch), int(steps))))
        return
    tiny = arguments == ["tiny"]
    device = comfy.model_management.get_torch_device()
    if device.type != "cuda" and not tiny:
        print("There is no NVIDIA GPU here. `tiny` runs small shapes on the CPU.")
        return
    rate = matrix_rate(device, 256 if tiny else 8192)
    card = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    print(f"{card}, torch {torch.__version__}: {rate / 1e12:.3g} TFLOP/s in bfloat16 matrix products")
    print(f"{'shape':<8}{'batch':>6}  {'case':<20}{'steps/s':>9}{'MB':>9}{'of the rate':>13}")
    if left := table(cases(tiny, arguments), 3 if tiny else STEPS, rate, begin + SECONDS):
        print(f"The rest: python run.py bench train_lora_gpu {' '.join(left)}")


if __name__ == "__main__":
    main()
