"""How long one procedural tile takes on one core: all maps, and the basecolor alone."""

import statistics
import sys
import time
import types
from pathlib import Path

import torch

PACK = Path(__file__).resolve().parents[2]
SIZES = (256, 512, 1024)


def main() -> None:
    package = types.ModuleType("tilewright")  # the pack without its nodes: rendering needs no ComfyUI
    package.__path__ = [str(PACK)]
    sys.modules["tilewright"] = package
    from tilewright.dataset.procedural.catalogue import MATERIALS
    from tilewright.dataset.procedural.render import MAPS, render_material

    torch.set_num_threads(1)
    print("CPU milliseconds per tile, median of 5 seeds: all maps / basecolor only")
    print("material".ljust(14) + "".join(f"{size} px".rjust(16) for size in SIZES))
    for material in MATERIALS:
        row = [
            f"{milliseconds(render_material, material, size, MAPS):.0f} / "
            + f"{milliseconds(render_material, material, size, ('basecolor',)):.0f}"
            for size in SIZES
        ]
        print(material.ljust(14) + "".join(cell.rjust(16) for cell in row))


def milliseconds(render, material, size, maps) -> float:
    """CPU time, which other processes on the machine do not change much."""
    render(material, 0, size, maps=maps)
    times = []
    for seed in range(1, 6):
        start = time.process_time()
        render(material, seed, size, maps=maps)
        times.append(1000 * (time.process_time() - start))
    return statistics.median(times)


if __name__ == "__main__":
    main()
