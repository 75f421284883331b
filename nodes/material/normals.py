"""Normal maps of height maps.

A height of 0..1 spans `height_cm`, an image's width spans `size_cm`, pixels are square and rows run downwards.
With the slopes p to the right and q downwards, the normal is (-p, q, 1) in OpenGL and (-p, -q, 1) in DirectX,
normalised: the upper half of a dome is bright in green in OpenGL and dark in DirectX.
"""

import torch

from ..common.axes import Axes
from .derivatives import gradient_in_strips

CONVENTIONS = ["OpenGL", "DirectX"]
STRIP_PIXELS = 2**19  # a strip's intermediates stay in the processor's cache


def slope_scale(height_cm: float, size_cm: float, width: int) -> float:
    """What turns a rise of the height value per pixel into a slope: `height_cm` over the pitch of one pixel in cm."""
    return height_cm * width / size_cm


def normal_map(height: torch.Tensor, scale: float, method: str, axes: Axes, convention: str) -> torch.Tensor:
    """The encoded normals of (B, 1, H, W) heights -> (B, 3, H, W) in 0..1.

    `scale` is the slope of a rise of 1 per pixel (`slope_scale`), `method` one of `derivatives.METHODS` and
    `convention` one of `CONVENTIONS`. Works in strips: beside the result it needs a few strips of memory, and two
    planes more for the spectral method.
    """
    batch, _, rows, columns = height.shape
    encoded = height.new_empty(batch, 3, rows, columns)
    rows_at_once = max(1, STRIP_PIXELS // (batch * columns))
    for strip, p, q in gradient_in_strips(height, method, axes, rows_at_once):
        encoded[..., strip, :] = encode_normals(normals_from_slopes(scale * p, scale * q, convention))
    return encoded


def normals_from_slopes(p: torch.Tensor, q: torch.Tensor, convention: str) -> torch.Tensor:
    """Unit normals (B, 3, H, W) of a surface with the slopes p to the right and q downwards, each (B, 1, H, W)."""
    z = torch.rsqrt(1 + p * p + q * q)
    return torch.cat([-p * z, q * z if convention == "OpenGL" else -q * z, z], dim=1)


def encode_normals(normals: torch.Tensor) -> torch.Tensor:
    """-1..1 as the 0..1 of an image: (0, 0, 1) becomes (0.5, 0.5, 1)."""
    return normals * 0.5 + 0.5


def decode_normals(image: torch.Tensor) -> torch.Tensor:
    """The 0..1 of an image (B, 3, H, W) as -1..1, not normalised."""
    return image * 2 - 1


def decode_unit_normals(image: torch.Tensor) -> torch.Tensor:
    """The 0..1 of an image (B, 3, H, W) as normals of unit length."""
    return torch.nn.functional.normalize(decode_normals(image), dim=1)
