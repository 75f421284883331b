"""The seams of a batch of images, as numbers and in words."""

from dataclasses import dataclass

import torch

from ..common.errors import InputError
from ..common.seams import EDGE, SeamStatistics, seam_statistics


@dataclass(frozen=True)
class SeamReport:
    """The seams of every image of a batch along both axes."""

    x: tuple[SeamStatistics, ...]
    y: tuple[SeamStatistics, ...]

    @property
    def worst_x(self) -> float:
        """The largest Q of the batch at the left-right wrap."""
        return max(seam.q for seam in self.x)

    @property
    def worst_y(self) -> float:
        """The largest Q of the batch at the top-bottom wrap."""
        return max(seam.q for seam in self.y)

    def __str__(self) -> str:
        lines = []
        for number, (x, y) in enumerate(zip(self.x, self.y, strict=True), start=1):
            image = f"image {number}, " if len(self.x) > 1 else ""
            lines += [_line(f"{image}x (left-right)", x), _line(f"{image}y (top-bottom)", y)]
        return "\n".join(lines)


def measure_seams(image: torch.Tensor) -> SeamReport:
    """Measure each image of (B, C, H, W) by itself. Raises `InputError` for images too small to have an interior."""
    height, width = image.shape[-2:]
    if min(height, width) < 3 * EDGE:
        raise InputError(
            f"The image is {width} x {height} pixels. Seams are compared with the inside of the texture, "
            f"which takes at least {3 * EDGE} pixels on each side. Connect a larger image."
        )
    return SeamReport(
        tuple(seam_statistics(single, "x") for single in image.split(1)),
        tuple(seam_statistics(single, "y") for single in image.split(1)),
    )


def _line(name: str, seam: SeamStatistics) -> str:
    return f"{name}: {seam.verdict} (Q {seam.q:.2f}, R {seam.r:.2f}, R2 {seam.r2:.2f})"
