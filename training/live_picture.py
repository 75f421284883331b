"""The live preview of a training node: the loss chart with the newest samples below it, and the remaining time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from PIL.Image import Image

Preview = tuple[str, "Image", int]
"""What the host's progress bar takes: format, picture, and the longest side that is shown"""

PICTURE_EVERY = 3.0  # seconds between two pictures in the node
_LONGEST_SIDE = 768  # pixels


def preview(chart: torch.Tensor, samples: Sequence[torch.Tensor]) -> Preview:
    """A chart (1, H, W, 3) in 0..1 and below it, as wide as it, the samples (3, h, w) side by side."""
    from PIL import Image

    rows = [chart[0]]
    if samples:
        rows.append(_strip(samples, chart.shape[2]))
    return "JPEG", Image.fromarray((torch.cat(rows) * 255).round().byte().numpy()), _LONGEST_SIDE


def pace(left: int, speed: float) -> list[str]:
    """Steps per second, and the time that the steps `left` take at that `speed`."""
    minutes, seconds = divmod(round(left / speed), 60)
    return [f"{speed:.2f} it/s", f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02} left"]


def _strip(pictures: Sequence[torch.Tensor], width: int) -> torch.Tensor:
    """(3, h, w) side by side, each scaled to the same width, together `width`: (H, width, 3)."""
    one = width // len(pictures)
    scaled = [_scaled(picture, one) for picture in pictures]
    row = torch.zeros(3, max(picture.shape[1] for picture in scaled), width)
    for number, picture in enumerate(scaled):
        row[:, : picture.shape[1], number * one : (number + 1) * one] = picture
    return row.movedim(0, -1)


def _scaled(picture: torch.Tensor, width: int) -> torch.Tensor:
    height = max(1, picture.shape[1] * width // picture.shape[2])
    return torch.nn.functional.interpolate(picture[None], (height, width), mode="area")[0]
