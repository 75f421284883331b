"""The green convention of normal maps: up in OpenGL, down in DirectX."""

import torch

CONVENTIONS = ["OpenGL", "DirectX"]
STEEPEST = 0.01  # a normal's z is not taken for less: 89.4 degrees
CLEAR = 1.5  # times more twist with the wrong sign than with the right one, below which a map does not tell
ROWS_AT_ONCE = 256


def slopes(normal_map: torch.Tensor, convention: str) -> tuple[torch.Tensor, torch.Tensor]:
    """The slopes to the right and downwards, each (B, 1, H, W), that an encoded normal map (B, 3, H, W) stands for."""
    x, y, z = (normal_map[:, :3] * 2 - 1).split(1, dim=1)
    z = z.clamp(min=STEEPEST)
    return -x / z, (y if convention == "OpenGL" else -y) / z


def flip_green(normal_map: torch.Tensor) -> torch.Tensor:
    """OpenGL to DirectX and back, for encoded normals (B, 3, H, W)."""
    red, green, blue = normal_map[:, :3].split(1, dim=1)
    return torch.cat([red, 1 - green, blue], dim=1)


def detect_convention(normal_map: torch.Tensor) -> tuple[str, float]:
    """The convention of an encoded normal map (B, 3, H, W), and how much more the map twists read the other way.

    The slopes of a surface have no twist, dp/drow = dq/dcol; with the wrong sign of green they do. The factor is 1
    where the map is ambiguous, as flat maps and waves along one axis are; below `CLEAR` the answer is not reliable.
    """
    opengl = directx = 0.0
    for first in range(0, normal_map.shape[-2] - 2, ROWS_AT_ONCE):
        rows = normal_map[..., first : first + ROWS_AT_ONCE + 2, :]
        # Float64: the twist is what remains of slopes that cancel. And a handful of walls must not outvote the rest.
        p, q = (slope.double().clamp(-10, 10) for slope in slopes(rows, "OpenGL"))
        p_down, q_right = p[..., 2:, 1:-1] - p[..., :-2, 1:-1], q[..., 1:-1, 2:] - q[..., 1:-1, :-2]
        opengl += float((p_down - q_right).square().sum())
        directx += float((p_down + q_right).square().sum())
    nothing = 1e-12 * normal_map[:, 0].numel()
    smaller, larger = min(opengl, directx), max(opengl, directx)
    return ("OpenGL" if opengl <= directx else "DirectX"), ((larger + nothing) / (smaller + nothing)) ** 0.5


def clear_convention(normal_map: torch.Tensor) -> str:
    """The convention that the pixels of an encoded normal map (B, 3, H, W) show clearly, "" where they do not."""
    convention, factor = detect_convention(normal_map)
    return convention if factor >= CLEAR else ""
