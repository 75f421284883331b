"""Peak memory and time of loading many 2048 px renders, against reading them all into one list.

Each case runs in a process of its own. Few distinct files stand for many: the others are hard links to them, so that
the disk is not measured; every one is read and decoded like any other. Cases that would need more memory than there is
are left out. Arguments: the number of renders (default 1000), and threads (default: all cores).
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path

import numpy as np

PACK = Path(__file__).resolve().parent.parent.parent
SIDE = 2048
DISTINCT = 4
SHOWN = 16  # the node's own default of images that it hands on
BYTES_EACH = SIDE * SIDE * 3 * 4


def write_renders(folder: Path, count: int) -> None:
    """`count` 8-bit renders with the detail of a texture, of which DISTINCT are different."""
    import cv2

    for number in range(count):
        file = folder / f"render_{number}.png"
        if number < DISTINCT:
            noise = np.random.default_rng(number).integers(0, 256, (SIDE // 4, SIDE // 4, 3), dtype=np.uint8)
            cv2.imwrite(str(file), cv2.resize(noise, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))
        else:
            file.hardlink_to(folder / f"render_{number % DISTINCT}.png")


def lazily(folder: Path) -> int:
    """What Load Dataset does: every file decoded once to check it, none kept."""
    return len(_load(folder))


def lazily_with_images(folder: Path) -> int:
    """The same with the images output as it is by default."""
    from tilewright.common.texture_dataset import TextureDataset
    from tilewright.dataset.load import decode_images

    samples = _load(folder)
    images = decode_images(TextureDataset(tuple(samples)), SHOWN)
    assert len(images) == min(SHOWN, len(samples))
    return len(samples)


def all_at_once(folder: Path) -> int:
    """What one writes first."""
    from tilewright.common.images import read_image

    return len([read_image(path) for path in sorted(folder.iterdir())])


def _load(folder: Path) -> list:
    from tilewright.dataset.load import Loading, load_folder

    return load_folder(folder, Loading("basecolor", [folder], "auto"), lambda done, total: None).samples


CASES = {"lazily": lazily, f"lazily, {SHOWN} images": lazily_with_images, "all at once": all_at_once}


def measure(case: str, folder: Path, threads: int) -> None:
    """Run one case and print its line."""
    package = types.ModuleType("tilewright")
    package.__path__ = [str(PACK)]
    sys.modules["tilewright"] = package
    import torch  # the host has it in memory anyway
    from tilewright.dataset import load, parallel

    torch.set_num_threads(1)
    parallel.THREADS = load.THREADS = threads
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wall, cpu = time.perf_counter(), time.process_time()
    count = CASES[case](folder)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
    row = f"{case:20}{count:8}{threads:9}{grown:12.0f} MB{1000 * cpu / count:12.0f} ms{count / wall:14.1f}"
    print(row, flush=True)


def main(count: int, threads: int) -> None:
    """Print a table: the lazy way at two counts, and all at once where memory allows."""
    heading = f"{'':20}{'renders':>8}{'threads':>9}{'peak memory':>15}{'CPU each':>15}{'renders a second':>17}"
    print(heading, flush=True)
    few = max(1, count // 10)
    cases = [("lazily", few), ("lazily", count), (f"lazily, {SHOWN} images", few), ("all at once", few)]
    cases += [("all at once", count)]
    for case, number in cases:
        if case == "all at once" and number * BYTES_EACH > 0.5 * _memory():
            print(f"{case:20}{number:8}{'':9}{number * BYTES_EACH / 2**20:12.0f} MB would be needed: left out")
            continue
        with tempfile.TemporaryDirectory() as folder:
            write_renders(Path(folder), number)
            subprocess.run([sys.executable, __file__, case, folder, str(threads)], check=True)


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    else:
        given = [int(argument) for argument in sys.argv[1:]]
        main(*given, *[1000, os.cpu_count() or 1][len(given) :])
