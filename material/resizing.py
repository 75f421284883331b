"""Resizing that keeps normals normal and wraps at the border."""

import math

import torch

from ..common.axes import Axes, wrap_pad
from .normals import decode_normals, encode_normals, unit

REACH = 8  # source pixels that a bicubic kernel may look beyond the border, per pixel of the coarser image


def resize_normals(image: torch.Tensor, height: int, width: int, axes: Axes) -> torch.Tensor:
    """Resize an encoded normal map (B, 3, H, W) -> (B, 3, height, width), every normal of unit length again."""
    resized = resize(decode_normals(image), height, width, axes)
    return encode_normals(unit(resized))


def resize(image: torch.Tensor, height: int, width: int, axes: Axes) -> torch.Tensor:
    """Bicubic with antialiasing, (B, C, H, W) -> (B, C, height, width), wrapped along `axes`."""
    pad_y, out_y = _pads(image.shape[-2], height)
    pad_x, out_x = _pads(image.shape[-1], width)
    padded = wrap_pad(image, (pad_x, pad_x, pad_y, pad_y), axes)
    size = (height + 2 * out_y, width + 2 * out_x)
    resized = torch.nn.functional.interpolate(padded, size, mode="bicubic", align_corners=False, antialias=True)
    return resized[..., out_y : out_y + height, out_x : out_x + width]


def _pads(size: int, wanted: int) -> tuple[int, int]:
    """Pixels to pad before and after resizing: in the exact ratio of the sizes, so that the grid stays in place."""
    step = size // math.gcd(size, wanted)
    pad = step * math.ceil(REACH * max(1, size / wanted) / step)
    return pad, pad * wanted // size
