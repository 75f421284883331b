"""Time and peak memory of heights, normals and occlusion, against plain torch and OpenCV in the same run.

python run.py bench material [SIZE ...] [--threads N] [--only WORD] [--radius N]    default: 1024, one thread, 16 px
python run.py bench material --cuda [SIZE ...]                 height to normal where the tensors are on a GPU

OpenCV has no occlusion, and no integration of normals: what stands for it there is the published formula on its
operators and its Fourier transform. Each case runs in a process of its own, so that its peak memory is its own: that of
the process above the input's.
"""

import argparse
import math
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

SCALE = 50.0  # of the slope: 5 cm of height on 100 cm at 1K
SLICES = 4
PATIENCE = 60.0  # seconds after which a case is not run again
Case = Callable[[torch.Tensor], torch.Tensor]


def hills(size: int) -> torch.Tensor:
    """Random heights (1, 1, size, size) of 0..0.05: single pixels with slopes of some ten degrees."""
    return torch.rand(1, 1, size, size, generator=torch.Generator().manual_seed(0)) * 0.05


def plain_torch_scharr(height: torch.Tensor) -> torch.Tensor:
    """What one writes first: circular padding, one convolution, one normalisation."""
    kernel = torch.tensor([[-3.0, 0, 3], [-10, 0, 10], [-3, 0, 3]]).to(height) / 32
    padded = torch.nn.functional.pad(height, (1, 1, 1, 1), mode="circular")
    slopes = SCALE * torch.nn.functional.conv2d(padded, torch.stack([kernel, kernel.T])[:, None])
    normals = torch.cat([-slopes[:, :1], slopes[:, 1:], torch.ones_like(height)], dim=1)
    return torch.nn.functional.normalize(normals, dim=1) * 0.5 + 0.5


def opencv_scharr(height: torch.Tensor) -> torch.Tensor:
    """OpenCV's derivative on a wrapped border, normalised by OpenCV too."""
    import cv2

    padded = cv2.copyMakeBorder(height[0, 0].numpy(), 1, 1, 1, 1, cv2.BORDER_WRAP)
    p = cv2.Scharr(padded, cv2.CV_32F, 1, 0, scale=SCALE / 32)[1:-1, 1:-1]
    q = cv2.Scharr(padded, cv2.CV_32F, 0, 1, scale=SCALE / 32)[1:-1, 1:-1]
    z = 1 / cv2.sqrt(1 + p * p + q * q)
    return torch.from_numpy(np.stack([0.5 - 0.5 * p * z, 0.5 + 0.5 * q * z, 0.5 + 0.5 * z]))[None]


def plain_torch_integration(image: torch.Tensor) -> torch.Tensor:
    """Frankot and Chellappa's formula as it is written, on whole planes."""
    x, y, z = (image * 2 - 1).split(1, dim=1)
    across = 2 * math.pi * torch.fft.rfftfreq(image.shape[-1])[None, :]
    down = 2 * math.pi * torch.fft.fftfreq(image.shape[-2])[:, None]
    u = torch.sin(across) * (0.625 + 0.375 * torch.cos(down))
    v = torch.sin(down) * (0.625 + 0.375 * torch.cos(across))
    energy = u * u + v * v
    gain = torch.where(energy > 1e-4 * (across**2 + down**2), 1 / energy, 0.0)
    spectrum = -1j * gain * (u * torch.fft.rfft2(-x / z) + v * torch.fft.rfft2(y / z))
    height = torch.fft.irfft2(spectrum, s=image.shape[-2:])
    return (height - height.min()) / (height.max() - height.min())


def opencv_integration(image: torch.Tensor) -> torch.Tensor:
    """The same with OpenCV's Fourier transform."""
    import cv2

    x, y, z = (plane.numpy() for plane in (image * 2 - 1)[0])
    rows, columns = z.shape
    across = (2 * np.pi * np.fft.fftfreq(columns).astype(np.float32))[None, :]
    down = (2 * np.pi * np.fft.fftfreq(rows).astype(np.float32))[:, None]
    u = np.sin(across) * (0.625 + 0.375 * np.cos(down))
    v = np.sin(down) * (0.625 + 0.375 * np.cos(across))
    energy = u * u + v * v
    gain = np.divide(1, energy, out=np.zeros_like(energy), where=energy > 1e-4 * (across**2 + down**2))
    p, q = (cv2.dft(slope, flags=cv2.DFT_COMPLEX_OUTPUT) for slope in (-x / z, y / z))
    both = (u * gain)[..., None] * p + (v * gain)[..., None] * q
    spectrum = np.stack([both[..., 1], -both[..., 0]], axis=-1)  # times -i
    height = cv2.dft(spectrum, flags=cv2.DFT_INVERSE | cv2.DFT_REAL_OUTPUT | cv2.DFT_SCALE)
    return torch.from_numpy((height - height.min()) / (height.max() - height.min()))[None, None]


def whole_steps(radius: int) -> list[tuple[float, float, list[tuple[int, int]]]]:
    """For every slice: its direction, and the pixels that a ray of `radius` visits, rounded to whole ones."""
    found = []
    for index in range(SLICES):
        right, down = math.cos(math.pi * index / SLICES), math.sin(math.pi * index / SLICES)
        steps = {(round(d * right), round(d * down)) for d in range(1, radius + 1)}
        found.append((right, down, sorted(steps)))
    return found


def plain_torch_occlusion(image: torch.Tensor, radius: int) -> torch.Tensor:
    """The published formula on whole planes: the horizon by rolling, rounded to whole pixels, in angles."""
    height = image * SCALE
    p, q = ((height.roll(-1, dim) - height.roll(1, dim)) / 2 for dim in (-1, -2))
    length, light = torch.sqrt(1 + p * p + q * q), torch.zeros_like(height)
    for right, down, steps in whole_steps(radius):
        ahead, behind = torch.zeros_like(height), torch.zeros_like(height)
        for x, y in steps:
            ahead = torch.maximum(ahead, (height.roll((-y, -x), (-2, -1)) - height) / math.hypot(x, y))
            behind = torch.maximum(behind, (height.roll((y, x), (-2, -1)) - height) / math.hypot(x, y))
        along = -(p * right + q * down) / length
        tilt = torch.atan2(along, 1 / length)
        a = torch.minimum(math.pi / 2 - torch.atan(ahead), tilt + math.pi / 2)
        b = torch.maximum(torch.atan(behind) - math.pi / 2, tilt - math.pi / 2)
        arc = 2 * torch.cos(tilt) - torch.cos(2 * a - tilt) - torch.cos(2 * b - tilt) + 2 * (a + b) * torch.sin(tilt)
        light += torch.hypot(along, 1 / length) * arc / 4
    return light / SLICES


def opencv_occlusion(image: torch.Tensor, radius: int) -> torch.Tensor:
    """The same on OpenCV's operators, the rolls as views of a wrapped border."""
    import cv2

    height = image[0, 0].numpy() * SCALE
    rows, columns = height.shape
    around = cv2.copyMakeBorder(height, radius, radius, radius, radius, cv2.BORDER_WRAP)

    def there(x: int, y: int) -> np.ndarray:
        return around[radius + y : radius + y + rows, radius + x : radius + x + columns]

    p, q = (there(1, 0) - there(-1, 0)) / 2, (there(0, 1) - there(0, -1)) / 2
    length, light = cv2.sqrt(1 + p * p + q * q), np.zeros_like(height)
    for right, down, steps in whole_steps(radius):
        ahead, behind = np.zeros_like(height), np.zeros_like(height)
        for x, y in steps:
            ahead = cv2.max(ahead, cv2.subtract(there(x, y), height) * (1 / math.hypot(x, y)))
            behind = cv2.max(behind, cv2.subtract(there(-x, -y), height) * (1 / math.hypot(x, y)))
        along = -(p * right + q * down) / length
        tilt = np.arctan2(along, 1 / length)
        a = np.minimum(np.pi / 2 - np.arctan(ahead), tilt + np.pi / 2)
        b = np.maximum(np.arctan(behind) - np.pi / 2, tilt - np.pi / 2)
        arc = 2 * np.cos(tilt) - np.cos(2 * a - tilt) - np.cos(2 * b - tilt) + 2 * (a + b) * np.sin(tilt)
        light += np.hypot(along, 1 / length) * arc / 4
    return torch.from_numpy(light / SLICES)[None, None]


def cases(radius: int) -> dict[str, Case]:
    """What is measured, by name; ours before the alternatives. Integration starts from normals.

    Light is looked for `radius` pixels far.
    """
    from tilewright.common.axes import Axes
    from tilewright.material.height_from_normal import height_from_normals
    from tilewright.material.normals import normal_map
    from tilewright.material.occlusion import horizon_occlusion

    both = Axes(True, True)

    def normals_by(method: str) -> Case:
        return lambda height: normal_map(height, SCALE, method, both, "OpenGL")

    return {
        "height to normal, scharr": normals_by("scharr"),
        "height to normal, plain torch": plain_torch_scharr,
        "height to normal, OpenCV": opencv_scharr,
        "height to normal, eighth order": normals_by("eighth_order"),
        "height to normal, spectral": normals_by("spectral"),
        "normal to height": lambda image: height_from_normals(image, "OpenGL", "scharr", both).height,
        "normal to height, plain torch": plain_torch_integration,
        "normal to height, OpenCV": opencv_integration,
        "occlusion": lambda height: horizon_occlusion(height * SCALE, radius, SLICES, both).visibility,
        "occlusion, plain torch": lambda height: plain_torch_occlusion(height, radius),
        "occlusion, OpenCV": lambda height: opencv_occlusion(height, radius),
    }


def measure(name: str, size: int, threads: int, radius: int) -> None:
    """Print the best of three times, the processor time of all threads and the peak memory above the input's."""
    import cv2

    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    found = cases(radius)
    case = found[name]
    with torch.inference_mode():
        given = [hills(one) for one in (64, size)]
        if name.startswith("normal"):
            given = [found["height to normal, scharr"](height) for height in given]
        case(given[0])
        before = peak_megabytes(from_here=True)
        walls, processor = [], []
        # More than once: the system has yet to give out the memory that the first run is the first to use.
        while len(walls) < 3 and sum(walls) < PATIENCE:
            wall, cpu = time.perf_counter(), time.process_time()
            case(given[1])
            walls.append(time.perf_counter() - wall)
            processor.append(time.process_time() - cpu)
    peak = peak_megabytes() - before
    print(f"{size:>6}  {name:<32} {min(walls):8.2f} s {min(processor):8.2f} s CPU {peak:8.0f} MB", flush=True)


def peak_megabytes(from_here: bool = False) -> float:
    """The most memory this process has had; on Linux `from_here` forgets what was before."""
    if not Path("/proc/self/status").exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if from_here:
        Path("/proc/self/clear_refs").write_text("5")
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def differences(radius: int) -> None:
    """Print by how much the ways differ that are to be equally accurate, at 512 px in float32."""
    found, height = cases(radius), hills(512)
    normals = found["height to normal, scharr"](height)
    for what, given in [("height to normal", height), ("normal to height", normals), ("occlusion", height)]:
        ours = found["height to normal, scharr" if what == "height to normal" else what](given)
        others = {name: found[f"{what}, {name}"](given) for name in ("plain torch", "OpenCV")}
        words = [f"{name} by {(other - ours).abs().max():.1e}" for name, other in others.items()]
        print(f"{what}: ours differs from {' and from '.join(words)} at most")


def on_cuda(size: int) -> None:
    """Print what height to normal takes on a GPU, in times of reading the input and writing the output once."""
    height = hills(size).cuda()
    out = torch.empty(1, 3, size, size, device="cuda")
    bound = cuda_seconds(lambda: out.copy_(height.expand_as(out)))
    ways = {name: case for name, case in cases(1).items() if name.startswith("height to") and "OpenCV" not in name}
    for name, case in ways.items():
        seconds = cuda_seconds(lambda case=case: case(height))
        print(f"{size:>6}  {name:<32} {1e3 * seconds:8.3f} ms  {seconds / bound:6.2f} x reading and writing once")


def cuda_seconds(work: Callable[[], object]) -> float:
    """The median of 20 runs on the current stream, by the GPU's own clock."""
    times = []
    for _ in range(23):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        work()
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end) / 1e3)
    return sorted(times[3:])[10]


def main() -> None:
    """Every case at every size, each in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sizes", nargs="*", type=int, default=[1024])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--radius", type=int, default=16, help="how far occlusion looks, in pixels")
    parser.add_argument("--only", default="", help="cases whose name has this word")
    parser.add_argument("--cuda", action="store_true")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.case:
        measure(chosen.case, chosen.sizes[0], chosen.threads, chosen.radius)
        return
    if chosen.cuda:
        with torch.inference_mode():
            for size in chosen.sizes:
                on_cuda(size)
        return
    with torch.inference_mode():
        differences(chosen.radius)
    print(f"{chosen.threads} threads; occlusion with {SLICES} slices, {chosen.radius} px far", flush=True)
    for size in chosen.sizes:
        for name in [name for name in cases(chosen.radius) if chosen.only in name]:
            one = [str(size), "--threads", str(chosen.threads), "--radius", str(chosen.radius), "--case", name]
            subprocess.run([sys.executable, __file__, *one], check=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    import conftest  # noqa: F401  the pack as the package `tilewright`

    main()
