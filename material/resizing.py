"""Resizing that keeps normals normal."""

import torch

from ..common.axes import Axes
from ..common.resample import resize
from .normals import decode_normals, encode_normals, unit


def resize_normals(image: torch.Tensor, height: int, width: int, axes: Axes) -> torch.Tensor:
    """Resize an encoded normal map (B, 3, H, W) -> (B, 3, height, width), every normal of unit length again."""
    return encode_normals(unit(resize(decode_normals(image), height, width, axes)))
