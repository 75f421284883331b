"""Steps per second and peak memory of Train LoRA beside the host's own trainer, on the demo model.

Same model, images, captions, rank, float32 and number of steps. Each case runs in a process of its own, so that its
peak memory is its own. The host's weight mode merges the LoRA into every weight at every step, its bypass mode does
not. Arguments: steps (default 8), then batch sizes (default 1 4).
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import conftest  # noqa: E402, F401 - puts the pack and the host on the path
from _host_trainer import train_with_host  # noqa: E402
from peak_memory import peak_bytes  # noqa: E402

CASES = ["ours", "ours, wrapped", "host", "host, bypass"]
RESOLUTION, RANK, IMAGES = 256, 16, 8


def measured(case: str, batch: int, steps: int) -> dict[str, float]:
    """Steps per second and CPU seconds per step (medians), and the MB by which training raises the process's peak.

    The CPU seconds hardly depend on what else the machine does.
    """
    import comfy.utils
    import torch
    from tilewright.host.demo_model import load_demo_model
    from tilewright.host.in_graph import run  # noqa: F401 - what importing takes is not the training's
    from tilewright.nodes.training import run_inputs  # noqa: F401

    clocks: list[tuple[float, float]] = []
    for name in ("update", "update_absolute"):
        setattr(
            comfy.utils.ProgressBar, name, lambda *_, **__: clocks.append((time.perf_counter(), time.process_time()))
        )
    with torch.inference_mode():
        model, clip, vae = load_demo_model()
        before = peak_bytes()
        train = _train_with_host if case.startswith("host") else _train_with_ours
        train(case, model, clip, vae, batch, steps)
    wall, cpu = (
        sorted(later - earlier for earlier, later in zip(c, c[1:], strict=False)) for c in zip(*clocks, strict=True)
    )
    return {"rate": 1 / wall[len(wall) // 2], "cpu": cpu[len(cpu) // 2], "memory": (peak_bytes() - before) / 2**20}


def _pictures() -> list[Any]:
    import torch

    draw = torch.Generator().manual_seed(0)
    return [torch.rand(3, RESOLUTION, RESOLUTION, generator=draw) for _ in range(IMAGES)]


def _train_with_ours(case: str, model: Any, clip: Any, vae: Any, batch: int, steps: int) -> None:
    import folder_paths
    from tilewright.common.image_writing import write_png
    from tilewright.common.texture_dataset import Sample, TextureDataset
    from tilewright.host.in_graph.order import Order
    from tilewright.host.in_graph.run import train_lora
    from tilewright.nodes.training.run_inputs import run_config

    with tempfile.TemporaryDirectory() as folder:
        folder_paths.set_output_directory(folder)
        samples = []
        for number, picture in enumerate(_pictures()):
            file = Path(folder) / f"{number}.png"
            write_png(file, picture)
            size = (RESOLUTION, RESOLUTION)
            samples.append(Sample(file, "basecolor", size, caption=f"noise {number}", tileable="wrapped" in case))
        whole = {"steps": steps, "batch_size": batch, "resolution": RESOLUTION, "seed": 0, "precision": "float32"}
        config = run_config({"rank": RANK, "alpha": float(RANK), "learning_rate": 1e-4, **whole})
        train_lora(Order(model, vae, clip, TextureDataset(tuple(samples)), "bench", config))


def _train_with_host(case: str, model: Any, clip: Any, vae: Any, batch: int, steps: int) -> None:
    from tilewright.host.demo_model import load_demo_model

    # The host trains a second model, which it asks the loader for.
    model.cached_patcher_init = (lambda disable_dynamic: load_demo_model()[0], ())
    latents = [{"samples": vae.encode(picture.movedim(0, -1).unsqueeze(0))} for picture in _pictures()]
    texts = [clip.encode_from_tokens_scheduled(clip.tokenize(f"noise {number}")) for number in range(IMAGES)]
    widgets = {"batch_size": batch, "steps": steps, "rank": RANK, "training_dtype": "fp32"}
    train_with_host(model, latents, texts, **widgets, bypass_mode="bypass" in case)


def main() -> None:
    if sys.argv[1:2] == ["case"]:
        case, batch, steps = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
        print(json.dumps(measured(case, batch, steps)))
        return
    steps, *batches = [int(argument) for argument in sys.argv[1:]] or [8]
    print(f"{'case':<30}{'batch':>6}{'steps/s':>10}{'CPU s/step':>12}{'MB':>8}")
    for batch in batches or [1, 4]:
        for case in CASES:
            command = [sys.executable, __file__, "case", case, str(batch), str(steps)]
            run = subprocess.run(command, capture_output=True, text=True)
            if run.returncode:
                print(f"{case:<30}{batch:>6}  failed: {run.stderr.strip().splitlines()[-1]}")
                continue
            result = json.loads(run.stdout.strip().splitlines()[-1])
            print(f"{case:<30}{batch:>6}{result['rate']:>10.2f}{result['cpu']:>12.3f}{result['memory']:>8.0f}")


if __name__ == "__main__":
    main()
