"""Ambient occlusion and bent normals of a height map, from the horizon in every direction.

In a vertical slice through a pixel the sky is open between two horizons, and its cosine-weighted light there has a
closed form: J. Jimenez et al., Practical real-time strategies for accurate indirect occlusion, 2016.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..common.axes import Axes
from .derivatives import gradient_in_strips
from .extrapolate import strip_around
from .normals import unit
from .strips import empty_image, lines_at_once

EXACT = 32  # pixels: up to here a ray visits every pixel, beyond it one in every 1/32 of its length
FADE = 0.8  # of the radius: from here on what stands there blocks less and less, so that no edge shows at the radius
STRIP_PIXELS = 2**17  # a strip's dozen intermediates stay in the processor's cache


@dataclass(frozen=True)
class AmbientOcclusion:
    """The ambient occlusion of a surface and its bent normals.

    visibility (B, 1, H, W) is the cosine-weighted part of the sky that each point sees, 1 where nothing blocks the
    light. bent_normals (B, 3, H, W) are the mean open directions, unit vectors with x to the right and y downwards,
    or None where not asked for.
    """

    visibility: torch.Tensor
    bent_normals: torch.Tensor | None


def horizon_occlusion(
    height: torch.Tensor,
    radius: float,
    slices: int,
    axes: Axes,
    bent: bool = False,
    on_rows: Callable[[int], None] = lambda rows: None,
) -> AmbientOcclusion:
    """Horizon-based ambient occlusion of (B, 1, H, W) heights in pixels: `radius` pixels far, in vertical slices.

    Rays wrap along `axes`; beyond the other borders nothing stands. Every slice looks both ways, so 16 slices are 32
    directions. Works in strips of rows, calling `on_rows` with the number of rows that are done; beside the result it
    needs a few strips with their surroundings in memory. Made for inference: it has no gradient.
    """
    reach, lowest = max(1, math.ceil(radius)), height.min()
    found = AmbientOcclusion(empty_image(height, 1), empty_image(height, 3) if bent else None)
    # Every strip gathers 2 reach rows around it: many for one of few rows, even where more of them leave the cache.
    rows = max(lines_at_once(height, STRIP_PIXELS), reach // 8)
    for strip, p, q in gradient_in_strips(height, "central", axes, rows):
        around = strip_around(height, strip, reach, axes, lambda edge, pad: lowest.expand(*edge.shape[:-1], pad))
        part = _strip_occlusion(around, p, q, reach, radius, slices, bent)
        found.visibility[..., strip, :] = part.visibility
        if found.bent_normals is not None and part.bent_normals is not None:
            found.bent_normals[..., strip, :] = part.bent_normals
        on_rows(strip.stop)
    return found


def ray_distances(radius: float) -> list[int]:
    """The whole steps that a ray of `radius` pixels takes: every pixel first, then growing by 1/`EXACT`."""
    distances = [1]
    while distances[-1] < radius:
        distances.append(distances[-1] + max(1, distances[-1] // EXACT))
    return [distance for distance in distances if distance <= radius] or [1]


def _strip_occlusion(
    around: torch.Tensor, p: torch.Tensor, q: torch.Tensor, reach: int, radius: float, slices: int, bent: bool
) -> AmbientOcclusion:
    """The published integral with everything in slopes: m of the surface along a slice, a and b up to its horizons.

    Twice the open part is [(1 + m a) / (1 + a^2) + (1 - m b) / (1 + b^2) + m (atan a - atan b)] / sqrt(1 + p^2 + q^2).
    """
    openness = torch.zeros_like(p)
    direction = p.new_zeros(p.shape[0], 3, *p.shape[2:]) if bent else None
    for index in range(slices):
        angle = math.pi * index / slices
        right, down = math.cos(angle), math.sin(angle)
        m = torch.add(p * right, q, alpha=down)
        a = torch.maximum(_horizon(around, reach, radius, right, down), m)
        b = torch.maximum(_horizon(around, reach, radius, -right, -down), -m)
        of_a, of_b = 1 / (1 + a * a), 1 / (1 + b * b)
        turn = torch.atan((a - b) / (1 + a * b))  # between the horizons, which lie above the level: a, b >= 0
        openness += (1 + m * a) * of_a + (1 - m * b) * of_b + m * turn
        if direction is not None:
            sideways = b * of_b - a * of_a - turn
            direction += torch.cat([right * sideways, down * sideways, of_a + of_b], dim=1)
    visibility = (openness / (2 * slices * torch.sqrt(1 + p * p + q * q))).clamp(0, 1)
    return AmbientOcclusion(visibility, None if direction is None else unit(direction))


def _horizon(around: torch.Tensor, reach: int, radius: float, right: float, down: float) -> torch.Tensor:
    """The slope up to the horizon in one direction, 0 where nothing stands above."""
    rows, columns = around.shape[-2] - 2 * reach, around.shape[-1] - 2 * reach
    here = around[..., reach : reach + rows, reach : reach + columns]
    highest = here  # of what stands around, drawn in to a distance of one pixel
    longer = max(abs(right), abs(down))  # a step goes one pixel along the longer part of the direction
    for distance in ray_distances(radius * longer):
        along, across = distance * right / longer, distance * down / longer
        true_distance = distance / longer
        there = _shifted(around, reach, rows, columns, along, across)
        drawn_in = torch.lerp(here, there, _fade(true_distance / radius) / true_distance)
        highest = torch.maximum(highest, drawn_in, out=drawn_in)
    return highest - here


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
