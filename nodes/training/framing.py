"""Bringing images of any size to the one that is trained on."""

import math

import torch

from ..common.axes import Axes, wrap_pad


def frame_square(image: torch.Tensor, side: int, tileable: bool) -> tuple[torch.Tensor, bool]:
    """(C, H, W) cropped to its central square and resampled to (C, side, side), and whether that still tiles.

    A square tileable image is resampled as a torus. One that is not square is cropped, and tiles no more.
    """
    height, width = image.shape[-2:]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    square = image[:, top : top + edge, left : left + edge]
    still_tiles = tileable and height == width
    return resample(square, side, still_tiles), still_tiles


def resample(image: torch.Tensor, side: int, wraps: bool) -> torch.Tensor:
    """(C, S, S) -> (C, side, side) with an antialiased bicubic filter, within 0..1; wraps: the filter does too."""
    edge = image.shape[-1]
    if edge == side:
        return image
    margin = _margin(edge, side) if wraps else 0
    padded = wrap_pad(image, margin, Axes(x=wraps, y=wraps))
    grown = margin * side // edge
    # In double precision, because positions in single precision drift along the image.
    resampled = torch.nn.functional.interpolate(
        padded.double().unsqueeze(0), side + 2 * grown, mode="bicubic", antialias=True, align_corners=False
    )[0]
    return resampled[:, grown : grown + side, grown : grown + side].clamp(0, 1).float()


def _margin(edge: int, side: int) -> int:
    """Pixels of wrapped margin: as wide as the filter reaches, and a whole number of pixels before and after."""
    unit = edge // math.gcd(edge, side)
    reach = 2 * math.ceil(max(1.0, edge / side)) + 1
    return unit * math.ceil(reach / unit)
