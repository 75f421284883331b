"""Time and peak memory of loading many 2048 px renders, against reading them all into one list.

Each case runs in a process of its own. Give the number of renders as an argument (default 100).
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

PACK = Path(__file__).resolve().parent.parent.parent
SIDE = 2048


def write_renders(folder: Path, count: int) -> None:
    """`count` copies of one 8-bit render with the detail of a texture."""
    import cv2

    noise = np.random.default_rng(0).integers(0, 256, (SIDE // 4, SIDE // 4, 3), dtype=np.uint8)
    render = cv2.resize(noise, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    content = cv2.imencode(".png", render)[1].tobytes()
    for number in range(count):
        (folder / f"render_{number}.png").write_bytes(content)


def lazily(folder: Path) -> int:
    """What Load Dataset does: every file decoded once to check it, none kept."""
    from tilewright.nodes.dataset.load import Loading, load_folder

    return len(load_folder(folder, Loading("basecolor", [folder], "auto"), lambda done, total: None)[0])


def all_at_once(folder: Path) -> int:
    """What one writes first."""
    from tilewright.nodes.common.images import read_image

    return len([read_image(path) for path in sorted(folder.iterdir())])


CASES = {"lazily": lazily, "all at once": all_at_once}


def measure(case: str, folder: Path) -> None:
    """Run one case and print its line: images a second and peak memory."""
    import types

    package = types.ModuleType("tilewright")
    package.__path__ = [str(PACK)]
    sys.modules["tilewright"] = package
    import torch  # noqa: F401  the host has it in memory anyway

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    count = CASES[case](folder)
    seconds = time.perf_counter() - start
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
    print(f"{case:12} {count:6} images {count / seconds:8.1f} a second {grown:10.0f} MB more")


def main(count: int) -> None:
    """Print a table of all cases."""
    with tempfile.TemporaryDirectory() as folder:
        write_renders(Path(folder), count)
        for case in CASES:
            subprocess.run([sys.executable, __file__, case, folder], check=True)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(sys.argv[1], Path(sys.argv[2]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
