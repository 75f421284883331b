"""Which way green points in a normal map: up in OpenGL, down in DirectX."""

import torch

from ..common.axes import Axes
from .derivatives import height_gradient
from .normals import decode_normals

STEEPEST = 0.01  # a normal's z is not taken for less: 89.4 degrees
CLEAR = 1.5  # times more twist with the wrong sign than with the right one, below which a map does not tell


def slopes(normal_map: torch.Tensor, convention: str) -> tuple[torch.Tensor, torch.Tensor]:
    """The slopes to the right and downwards, each (B, 1, H, W), that an encoded normal map (B, 3, H, W) stands for."""
    x, y, z = decode_normals(normal_map[:, :3]).split(1, dim=1)
    z = z.clamp(min=STEEPEST)
    return -x / z, (y if convention == "OpenGL" else -y) / z


def flip_green(normal_map: torch.Tensor) -> torch.Tensor:
    """OpenGL to DirectX and back, for encoded normals (B, 3, H, W)."""
    red, green, blue = normal_map[:, :3].split(1, dim=1)
    return torch.cat([red, 1 - green, blue], dim=1)


def detect_convention(normal_map: torch.Tensor, axes: Axes) -> tuple[str, float]:
    """The convention of an encoded normal map (B, 3, H, W), and how much more the map twists read the other way.

    The slopes of a surface have no twist, dp/drow = dq/dcol; with the wrong sign of green they do. The factor is 1
    where the map does not tell, as with flat maps and with waves along one axis only; below `CLEAR` trust nobody.
    """
    p, q = slopes(normal_map, "OpenGL")
    p, q = p.clamp(-10, 10), q.clamp(-10, 10)  # a handful of walls must not outvote the rest
    p_down = height_gradient(p, "central", axes)[1]
    q_right = height_gradient(q, "central", axes)[0]
    opengl, directx = (p_down - q_right).square().mean(), (p_down + q_right).square().mean()
    smaller, larger = min(opengl, directx), max(opengl, directx)
    factor = float((larger + 1e-12) / (smaller + 1e-12)) ** 0.5
    return ("OpenGL" if opengl <= directx else "DirectX"), factor
