"""Resizing images to the bucket sizes that are trained on."""

import torch

from ..common.axes import Axes
from ..common.resample import INSIDE, resize


def frame(image: torch.Tensor, size: tuple[int, int], tileable: bool) -> torch.Tensor:
    """(C, H, W) -> (C, height, width) of `size` = (width, height), in 0..1.

    A tileable image is resampled whole, as the torus it is, even where that stretches it a little: cropped it would
    no longer tile. Any other one is cropped around its centre to the aspect of `size` first.
    """
    width, height = size
    if not tileable:
        image = _cropped(image, width / height)
    axes = Axes(x=tileable, y=tileable)
    # Height first and rounded between, as ever: a run that is resumed sees the same pixels to the last bit. Channel by
    # channel, since 8K in float64 takes 1.6 GB.
    rows = torch.stack([resize(channel.double(), height, channel.shape[-1], axes, INSIDE).float() for channel in image])
    return resize(rows.double(), height, width, axes, INSIDE).float().clamp(0, 1)


def _cropped(image: torch.Tensor, aspect: float) -> torch.Tensor:
    height, width = image.shape[-2:]
    kept_width, kept_height = min(width, round(height * aspect)), min(height, round(width / aspect))
    top, left = (height - kept_height) // 2, (width - kept_width) // 2
    return image[..., top : top + kept_height, left : left + kept_width]
