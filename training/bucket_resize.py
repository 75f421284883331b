"""Bringing images of any size to the ones that are trained on."""

import math

import torch

from ..common.axes import Axes, wrap_pad


def frame(image: torch.Tensor, size: tuple[int, int], tileable: bool) -> torch.Tensor:
    """(C, H, W) -> (C, height, width) of `size` = (width, height).

    A tileable image is resampled whole, as the torus it is, even where that stretches it a little: cropped it would
    tile no more. Any other one is cropped around its centre to the aspect of `size` first.
    """
    if not tileable:
        image = _cropped(image, size[0] / size[1])
    rows = _resample_last(image.transpose(-1, -2), size[1], tileable).transpose(-1, -2)
    return _resample_last(rows, size[0], tileable).clamp(0, 1)


def _cropped(image: torch.Tensor, aspect: float) -> torch.Tensor:
    height, width = image.shape[-2:]
    kept_width, kept_height = min(width, round(height * aspect)), min(height, round(width / aspect))
    top, left = (height - kept_height) // 2, (width - kept_width) // 2
    return image[..., top : top + kept_height, left : left + kept_width]


def _resample_last(image: torch.Tensor, length: int, wraps: bool) -> torch.Tensor:
    """(C, H, W) -> (C, H, length) with an antialiased bicubic filter."""
    height, width = image.shape[-2:]
    if width == length:
        return image
    margin = _margin(width, length) if wraps else 0
    padded = wrap_pad(image, (margin, margin, 0, 0), Axes(x=wraps, y=False))
    grown = margin * length // width
    # In double precision, because positions in single precision drift along the image.
    resampled = torch.nn.functional.interpolate(
        padded.double().unsqueeze(0), (height, length + 2 * grown), mode="bicubic", antialias=True, align_corners=False
    )[0]
    return resampled[..., grown : grown + length].float()


def _margin(edge: int, length: int) -> int:
    """Pixels of wrapped margin: as wide as the filter reaches, and a whole number of pixels before and after."""
    unit = edge // math.gcd(edge, length)
    reach = 2 * math.ceil(max(1.0, edge / length)) + 1
    return unit * math.ceil(reach / unit)
