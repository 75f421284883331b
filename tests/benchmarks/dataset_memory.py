"""Peak memory and time of loading, cleaning, augmenting and saving large renders, each step in a process of its own.

Renders are few distinct files with hard links for the rest. Arguments: sides with numbers of renders, as 2048:64
(default 2048:64 8192:4).
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
DISTINCT = 2


def write_renders(folder, side, count):
    import cv2
    import numpy as np

    for number in range(count):
        file = folder / f"render{number}.png"
        if number < DISTINCT:
            noise = np.random.default_rng(number).integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
            cv2.imwrite(str(file), cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC))
        else:
            file.hardlink_to(folder / f"render{number % DISTINCT}.png")


def run(step, folder, out):
    import conftest  # noqa: F401
    import torch
    from tilewright.common.texture_dataset import Sample, TextureDataset
    from tilewright.dataset.augment import Augmentation, augment_dataset
    from tilewright.dataset.checks import Rules
    from tilewright.dataset.clean import clean_dataset
    from tilewright.dataset.load import Loading, load_folder
    from tilewright.dataset.save import save_dataset
    from tilewright.dataset.save_plan import Saving

    torch.set_num_threads(1)
    checked = lambda done, total: None  # noqa: E731
    files = sorted(folder.iterdir())
    from tilewright.common.images import image_size

    samples = (Sample(one, "basecolor", image_size(one), material=one.stem, tileable=True) for one in files)
    dataset = TextureDataset(tuple(samples))
    peak = Peak()
    before, start = peak.now(), time.perf_counter()
    if step == "load":
        load_folder(folder, Loading("basecolor", [folder], "auto"), checked)
    elif step == "clean":
        clean_dataset(dataset, Rules(), checked)
    elif step == "augment":
        augment_dataset(dataset, out, Augmentation(1, color=0.5), 0, checked)
    else:
        save_dataset(out, {"train": dataset}, Saving("kohya", "wall", "keep", 8, [out]), checked)
    seconds = time.perf_counter() - start
    print(
        f"{step:8} {len(files):5} renders {seconds:7.1f} s  {(peak.highest() - before) / 2**30:6.2f} GB above the base"
    )


class Peak:
    """The memory of this process, in bytes."""

    def now(self):
        import psutil

        return psutil.Process().memory_info().rss

    def highest(self):
        from peak_memory import peak_bytes

        return peak_bytes()


def main(cases):
    for case in cases or ["2048:64", "8192:4"]:
        side, count = map(int, case.split(":"))
        print(f"{side} px")
        with tempfile.TemporaryDirectory() as folder:
            renders = Path(folder, "renders")
            renders.mkdir()
            write_renders(renders, side, count)
            for step in ("load", "clean", "augment", "save"):
                out = Path(folder, step)
                subprocess.run([sys.executable, __file__, "run", step, renders, out], check=True, env=os.environ)


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        run(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        main(sys.argv[1:])
