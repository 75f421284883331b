"""Peak memory and time of loading, cleaning, augmenting and saving large renders, each step in a process of its own.

Every render is another picture, so that none is a duplicate; work is on 8 threads whatever the machine has. Arguments:
sides with numbers of renders, as 2048:64, and the steps if not all (default 2048:64 8192:4); clean+augment takes both
steps in one process. After every tenth of the renders it reports the seconds and processor seconds so far, and the
memory above the base.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
THREADS = 8
STEPS = ("load", "clean", "augment", "save")


def write_renders(folder, side, count):
    import cv2
    import numpy as np

    for number in range(count):
        noise = np.random.default_rng(number).integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"render{number}.png"), cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC))


def run(steps, folder, out):
    import conftest  # noqa: F401
    import torch
    from tilewright.common.texture_dataset import Sample, TextureDataset
    from tilewright.dataset import parallel
    from tilewright.dataset.augment import Augmentation, augment_dataset
    from tilewright.dataset.checks import Rules
    from tilewright.dataset.clean import clean_dataset
    from tilewright.dataset.load import Loading, load_folder
    from tilewright.dataset.save import save_dataset
    from tilewright.dataset.save_plan import Saving

    torch.set_num_threads(1)
    parallel.THREADS = THREADS
    files = sorted(folder.iterdir())
    from tilewright.common.images import image_size

    samples = (Sample(one, "basecolor", image_size(one), material=one.stem, tileable=True) for one in files)
    dataset = TextureDataset(tuple(samples))
    progress = Progress()
    for step in steps.split("+"):
        progress.begin(step)
        if step == "load":
            load_folder(folder, Loading("basecolor", [folder], "auto"), progress)
        elif step == "clean":
            dataset = clean_dataset(dataset, Rules(), progress).kept
            print(f"kept {len(dataset)}", flush=True)
        elif step == "augment":
            augment_dataset(dataset, out, Augmentation(1, color=0.5), 0, progress)
        else:
            save_dataset(out, {"train": dataset}, Saving("kohya", "wall", "keep", 8, [out]), progress)
        progress.report(len(files), len(files), "all ")


class Progress:
    """Reports after every tenth of the work what it took so far."""

    def __init__(self):
        import psutil

        self.base, self.start = psutil.Process().memory_info().rss, time.perf_counter()
        print(f"base {self.base / 2**30:.2f} GB", flush=True)

    def begin(self, step):
        self.step, self.tenth = step, 0

    def __call__(self, done, total):
        if total and done * 10 // total > self.tenth:
            self.tenth = done * 10 // total
            self.report(done, total)

    def report(self, done, total, what=""):
        from peak_memory import peak_bytes

        above = (peak_bytes() - self.base) / 2**30
        seconds = f"{time.perf_counter() - self.start:8.1f} s, {time.process_time():8.1f} s of processor"
        print(f"{self.step:8} {what}{done:5} of {total} renders {seconds}, {above:6.2f} GB above the base", flush=True)


def main(arguments):
    steps = [one for one in arguments if set(one.split("+")) <= set(STEPS)]
    for case in [one for one in arguments if one not in steps] or ["2048:64", "8192:4"]:
        side, count = map(int, case.split(":"))
        print(f"{side} px", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            renders = Path(folder, "renders")
            renders.mkdir()
            write_renders(renders, side, count)
            for step in steps or STEPS:
                out = Path(folder, step)
                subprocess.run([sys.executable, __file__, "run", step, renders, out], check=True, env=os.environ)


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        run(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        main(sys.argv[1:])
