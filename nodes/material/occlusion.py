"""Ambient occlusion and bent normals of a height map, from the horizon in every direction.

In a vertical slice through a pixel the sky is open between two horizons, and its cosine-weighted light there has a
closed form: J. Jimenez et al., Practical real-time strategies for accurate indirect occlusion, 2016.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..common.axes import Axes, wrap_pad
from .derivatives import height_gradient

EXACT = 32  # pixels: up to here a ray visits every pixel, beyond it one in every 1/32 of its length
FADE = 0.8  # of the radius: from here on what stands there blocks less and less, so that no edge shows at the radius
STRIP_PIXELS = 2**17  # a strip's dozen intermediates stay in the processor's cache


@dataclass(frozen=True)
class Sky:
    """What a surface sees: open (B, 1, H, W), 1 where nothing blocks the light, and the mean open direction.

    bent (B, 3, H, W) are unit vectors with x to the right and y downwards, or None where not asked for.
    """

    open: torch.Tensor
    bent: torch.Tensor | None


def open_sky(
    height: torch.Tensor,
    radius: float,
    slices: int,
    axes: Axes,
    bent: bool = False,
    on_rows: Callable[[int], None] = lambda rows: None,
) -> Sky:
    """The sky above (B, 1, H, W) heights in pixels, looking `radius` pixels far in `slices` vertical slices.

    Rays wrap along `axes`; beyond the other borders nothing stands. Every slice looks both ways, so 16 slices are 32
    directions. Works in strips of rows, calling `on_rows` with the number of rows that are done, and needs the height,
    its surroundings and the result in memory. Made for inference: it has no gradient.
    """
    reach = max(1, math.ceil(radius))
    around = _surroundings(height, reach, axes)
    p, q = height_gradient(height, "central", axes)
    batch, _, rows, columns = height.shape
    rows_at_once = max(1, STRIP_PIXELS // (batch * columns))
    strips = []
    for first in range(0, rows, rows_at_once):
        strip = slice(first, min(first + rows_at_once, rows))
        visible = around[..., strip.start : strip.stop + 2 * reach, :]
        strips.append(_strip_sky(visible, p[..., strip, :], q[..., strip, :], reach, radius, slices, bent))
        on_rows(strip.stop)
    return Sky(
        torch.cat([strip.open for strip in strips], dim=-2),
        torch.cat([strip.bent for strip in strips], dim=-2) if bent else None,
    )


def ray_distances(radius: float) -> list[int]:
    """The whole steps that a ray of `radius` pixels takes: every pixel first, then growing by 1/`EXACT`."""
    distances = [1]
    while distances[-1] < radius:
        distances.append(distances[-1] + max(1, distances[-1] // EXACT))
    return [distance for distance in distances if distance <= radius] or [1]


def _surroundings(height: torch.Tensor, reach: int, axes: Axes) -> torch.Tensor:
    around, lowest = wrap_pad(height, reach, axes), height.min()
    if not axes.x:
        around[..., :reach] = around[..., -reach:] = lowest
    if not axes.y:
        around[..., :reach, :] = around[..., -reach:, :] = lowest
    return around


def _strip_sky(
    around: torch.Tensor, p: torch.Tensor, q: torch.Tensor, reach: int, radius: float, slices: int, bent: bool
) -> Sky:
    length = torch.sqrt(1 + p * p + q * q)
    openness = torch.zeros_like(p)
    direction = p.new_zeros(p.shape[0], 3, *p.shape[2:]) if bent else None
    for index in range(slices):
        angle = math.pi * index / slices
        right, down = math.cos(angle), math.sin(angle)
        ahead = _horizon(around, reach, radius, right, down)
        behind = -_horizon(around, reach, radius, -right, -down)
        along, up = -(p * right + q * down) / length, 1 / length
        openness += torch.hypot(along, up) * _slice_light(behind, ahead, torch.atan2(along, up))
        if bent:
            sideways = _open_side(ahead) - _open_side(behind)
            direction += torch.cat([right * sideways, down * sideways, _open_up(ahead) - _open_up(behind)], dim=1)
    bent_normal = torch.nn.functional.normalize(direction, dim=1) if bent else None
    return Sky((openness / slices).clamp(0, 1), bent_normal)


def _horizon(around: torch.Tensor, reach: int, radius: float, right: float, down: float) -> torch.Tensor:
    """The angle from straight up to the horizon in one direction, 0 to pi/2."""
    rows, columns = around.shape[-2] - 2 * reach, around.shape[-1] - 2 * reach
    here = around[..., reach : reach + rows, reach : reach + columns]
    steepest = torch.zeros_like(here)
    longer = max(abs(right), abs(down))  # a step goes one pixel along the longer part of the direction
    for distance in ray_distances(radius * longer):
        along, across = distance * right / longer, distance * down / longer
        true_distance = distance / longer
        rise = _shifted(around, reach, rows, columns, along, across) - here
        rise *= _fade(true_distance / radius) / true_distance
        torch.maximum(steepest, rise, out=steepest)
    return math.pi / 2 - torch.atan(steepest)


def _shifted(around: torch.Tensor, reach: int, rows: int, columns: int, right: float, down: float) -> torch.Tensor:
    """The heights `right` and `down` of every pixel: one is whole, along the other it is linear between pixels."""
    x, y = _floor(right), _floor(down)
    first = around[..., reach + y : reach + y + rows, reach + x : reach + x + columns]
    part_x, part_y = right - x, down - y
    if max(part_x, part_y) < 1e-6:
        return first
    x, y = (x + 1, y) if part_x > part_y else (x, y + 1)
    second = around[..., reach + y : reach + y + rows, reach + x : reach + x + columns]
    return torch.lerp(first, second, max(part_x, part_y))


def _floor(offset: float) -> int:
    return math.floor(offset + 1e-6)


def _fade(part_of_radius: float) -> float:
    return min(1.0, max(0.0, (1 - part_of_radius) / (1 - FADE)))


def _slice_light(behind: torch.Tensor, ahead: torch.Tensor, tilt: torch.Tensor) -> torch.Tensor:
    """The cosine-weighted light between two horizons for a normal that leans by `tilt` in the slice; 1 at most."""
    ahead = torch.minimum(ahead, tilt + math.pi / 2)
    behind = torch.maximum(behind, tilt - math.pi / 2)
    cosine, sine = torch.cos(tilt), torch.sin(tilt)
    return (2 * cosine - torch.cos(2 * behind - tilt) - torch.cos(2 * ahead - tilt) + 2 * (behind + ahead) * sine) / 4


def _open_side(angle: torch.Tensor) -> torch.Tensor:
    return torch.sign(angle) * (angle - torch.sin(angle) * torch.cos(angle)) / 2


def _open_up(angle: torch.Tensor) -> torch.Tensor:
    return torch.sign(angle) * torch.sin(angle).square() / 2
