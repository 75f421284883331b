"""CPU seconds and memory of a training step on an SD-shaped UNet of 128 channels: ours beside diffusers with PEFT.

Random weights in float32, latents of 32 x 32, rank 16 on the same layers, AdamW. Each case has a process of its own,
and they take turns, so that what else the machine does falls on all. Seconds are processor time of all threads.
`kernels` is the share of a step in matrix products, convolutions and attention, which are PyTorch's in all of them:
`limit` says how much faster a step would be if it did nothing else.

    python run.py bench train_unet_lora [rounds (2) [steps (4) [batch sizes (1 4)]]] [compiled] [host]
"""

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import conftest  # noqa: E402, F401 - puts the pack and the host on the path
from _unet_trainers import measured  # noqa: E402

SHAPE = "128 channels"


def main() -> None:
    if sys.argv[1:2] == ["case"]:
        case, batch, steps = sys.argv[2:]
        print(json.dumps(measured(case, SHAPE, int(batch), int(steps), "float32")))
        return
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    (rounds, steps), batches = (numbers + [2, 4][len(numbers) :])[:2], numbers[2:] or [1, 4]
    cases = ["ours", "diffusers"] + [f"ours, {word}" for word in ("compiled",) if word in sys.argv]
    cases += ["host"] if "host" in sys.argv else []
    print(
        f"{'batch':>5}  {'case':<16}{'CPU s/step':>11}{'MB':>7}{'kernels':>9}{'limit':>7}   beside diffusers with PEFT"
    )
    for batch in batches:
        _rows(batch, cases, rounds, steps)


def _rows(batch: int, cases: list[str], rounds: int, steps: int) -> None:
    found: dict[str, list[dict[str, float]]] = {}
    for case in cases * rounds:
        command = [sys.executable, __file__, "case", case, str(batch), str(steps)]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            last = (run.stderr.strip().splitlines() or [f"exit status {run.returncode}"])[-1]
            print(f"{batch:>5}  {case:<16} failed: {last}", flush=True)
            continue
        found.setdefault(case, []).append(json.loads(run.stdout.strip().splitlines()[-1]))
    took = {case: median(one["seconds"] for one in runs) for case, runs in found.items()}
    for case, runs in found.items():
        memory, kernels = (median(one[fact] for one in runs) for fact in ("memory", "kernels"))
        beside = f"{took['diffusers'] / took[case]:.2f}x" if "diffusers" in took else ""
        spent = f"{kernels:>9.1%}{1 / kernels:>7.2f}" if kernels else " " * 16
        print(f"{batch:>5}  {case:<16}{took[case]:>11.3f}{memory:>7.0f}{spent}   {beside}", flush=True)


if __name__ == "__main__":
    main()
