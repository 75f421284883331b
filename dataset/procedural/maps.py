"""From the height in centimetres to the maps that follow from it, by the formulas of the material nodes."""

import torch

from ...common.axes import Axes
from ...material.normals import normal_map, slope_scale
from ...material.occlusion import horizon_occlusion

TORUS = Axes(True, True)
RADIUS = 1 / 8  # of the tile's width: how far away something may stand and still block the light
SLICES = 8  # within 0.002 of 16 slices on average, in half the time


def normal_from_height(height_cm: torch.Tensor, size_cm: float) -> torch.Tensor:
    """(3, H, W) OpenGL (Y+) normals in 0..1 of (H, W) heights on a tile `size_cm` wide: *Height to Normal* by its
    eighth-order method."""
    scale = slope_scale(1.0, size_cm, height_cm.shape[-1])
    return normal_map(height_cm[None, None], scale, "eighth_order", TORUS, "OpenGL")[0]


def occlusion_from_height(height_cm: torch.Tensor, size_cm: float) -> torch.Tensor:
    """(H, W) ambient occlusion of (H, W) heights on a tile `size_cm` wide, 1 is open: *Occlusion* with `radius_cm`
    at an eighth of the tile and `SLICES` slices."""
    width = height_cm.shape[-1]
    pixels = height_cm[None, None] * slope_scale(1.0, size_cm, width)
    return horizon_occlusion(pixels, RADIUS * width, SLICES, TORUS).visibility[0, 0]
