"""From the height in centimetres to the maps that follow from it."""

import math

import torch

_EIGHTH_ORDER = (4 / 5, -1 / 5, 4 / 105, -1 / 280)


def slope(height: torch.Tensor, axis: int) -> torch.Tensor:
    """Derivative of (H, W) along `axis` per pixel by the eighth-order central difference, wrapped."""
    return sum(w * (height.roll(-k, axis) - height.roll(k, axis)) for k, w in enumerate(_EIGHTH_ORDER, start=1))


def normal_from_height(height_cm: torch.Tensor, size_cm: float) -> torch.Tensor:
    """(3, H, W) OpenGL (Y+) normals in 0..1 of (H, W) heights on a tile size_cm wide: normalize(-p, +q, 1) with the
    slopes p along the columns and q down the rows."""
    pitch = size_cm / height_cm.shape[-1]
    p, q = slope(height_cm, 1) / pitch, slope(height_cm, 0) / pitch
    vector = torch.stack([-p, q, torch.ones_like(p)])
    return vector / vector.norm(dim=0, keepdim=True) / 2 + 0.5


def occlusion_from_height(height_cm: torch.Tensor, size_cm: float, directions: int = 8, steps: int = 5) -> torch.Tensor:
    """(H, W) open share of the sky, 0..1, weighted by the cosine to the zenith: the mean of cos²(horizon) over
    `directions`. The horizon is looked for at `steps` distances, doubling up to an eighth of the tile."""
    size = height_cm.shape[-1]
    pitch = size_cm / size
    visible = torch.zeros_like(height_cm)
    for direction in range(directions):
        angle = 2 * math.pi * direction / directions
        horizon = torch.zeros_like(height_cm)  # tangent of its elevation
        for step in range(steps):
            reach = size / 8 / 2**step
            columns, rows = round(reach * math.cos(angle)), round(reach * math.sin(angle))
            distance = pitch * math.hypot(columns, rows)
            if distance > 0:
                rise = height_cm.roll((-rows, -columns), (0, 1)) - height_cm
                horizon = torch.maximum(horizon, rise / distance)
        visible += 1 / (1 + horizon.square())
    return visible / directions
