"""Time and peak memory of heights, normals and occlusion, against plain torch and OpenCV in the same run.

Each case runs in a process of its own, so that its peak memory is its own. Give sizes as arguments (default 1024).
"""

import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

SCALE = 50.0  # of the slope: 5 cm of height on 100 cm at 1K


def hills(size: int) -> torch.Tensor:
    """Random heights (1, 1, size, size) of 0..1 with slopes of a few degrees."""
    return torch.rand(1, 1, size, size, generator=torch.Generator().manual_seed(0)) * 0.05


def plain_torch_scharr(height: torch.Tensor) -> torch.Tensor:
    """What one writes first: circular padding, one convolution, one normalisation."""
    kernel = torch.tensor([[-3.0, 0, 3], [-10, 0, 10], [-3, 0, 3]]) / 32
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


def cases() -> dict[str, Callable[[torch.Tensor], torch.Tensor]]:
    """What is measured, by name."""
    from tilewright.nodes.common.axes import Axes
    from tilewright.nodes.material.height_from_normal import height_from_normals
    from tilewright.nodes.material.normals import normal_map
    from tilewright.nodes.material.occlusion import open_sky

    both = Axes(True, True)

    def ours(method: str) -> Callable[[torch.Tensor], torch.Tensor]:
        return lambda height: normal_map(height, SCALE, method, both, "OpenGL")

    return {
        "height to normal, scharr": ours("scharr"),
        "  the same, plain torch": plain_torch_scharr,
        "  the same, OpenCV": opencv_scharr,
        "height to normal, eighth order": ours("eighth_order"),
        "height to normal, spectral": ours("spectral"),
        "normal to height": lambda height: height_from_normals(ours("scharr")(height), "OpenGL", "scharr", both).height,
        "occlusion, 4 slices, radius 16 px": lambda height: open_sky(height * SCALE, 16, 4, both).open,
    }


def measure(name: str, size: int) -> None:
    """Print the best of three times and the peak memory above the input's."""
    height = hills(size)
    case = cases()[name]
    with torch.inference_mode():
        case(hills(64))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        times = []
        for _ in range(3 if size <= 4096 else 1):
            start = time.perf_counter()
            case(height)
            times.append(time.perf_counter() - start)
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{size:>6}  {name:<36} {min(times):8.2f} s {peak:8.0f} MB  {size * size / min(times) / 1e6:8.1f} Mpx/s")


def main() -> None:
    """Every case at every size."""
    for size in [int(argument) for argument in sys.argv[1:]] or [1024]:
        for name in cases():
            subprocess.run([sys.executable, __file__, name, str(size)], check=True)


if __name__ == "__main__":
    sys.path.insert(0, str(__import__("pathlib").Path(__file__).resolve().parent.parent))
    import conftest  # noqa: F401  the pack as the package `tilewright`

    if len(sys.argv) == 3 and not sys.argv[1].isdigit():
        measure(sys.argv[1], int(sys.argv[2]))
    else:
        main()
