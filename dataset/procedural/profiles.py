"""Shapes of elements: distances to their outline, and the profile from the outline to the middle."""

import math
from dataclasses import dataclass

import torch


def rounded_box(
    x: torch.Tensor, y: torch.Tensor, half_width: torch.Tensor, half_height: torch.Tensor, radius: torch.Tensor
) -> torch.Tensor:
    """Distance to the outline of a box with rounded corners, positive inside."""
    over_x, over_y = x.abs() - half_width + radius, y.abs() - half_height + radius
    outside = torch.hypot(over_x.clamp(min=0), over_y.clamp(min=0))
    return radius - outside - torch.maximum(over_x, over_y).clamp(max=0)


def coverage(distance: torch.Tensor, pixel: float) -> torch.Tensor:
    """How much of a pixel lies inside, from the distance of its centre to the outline."""
    return (distance / pixel + 0.5).clamp(0, 1)


def line_coverage(distance: torch.Tensor, half_width: float, pixel: float) -> torch.Tensor:
    """How much of a pixel a line covers, from the distance of the pixel's centre to the line's middle, which may be
    thinner than a pixel."""
    reach = pixel / 2
    return ((distance + reach).clamp(max=half_width) - (distance - reach).clamp(min=-half_width)).clamp(min=0) / pixel


def rounded(distance: torch.Tensor, width: torch.Tensor | float) -> torch.Tensor:
    """0 at the outline to 1 from `width` inwards, as a quarter circle."""
    outward = 1 - (distance / width).clamp(0, 1)
    return (1 - outward.square()).clamp(min=0).sqrt()


def smoothstep(value: torch.Tensor, low: float | torch.Tensor, high: float | torch.Tensor) -> torch.Tensor:
    """0 below low, 1 above high, a smooth ramp between."""
    t = ((value - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


@dataclass(frozen=True)
class Petal:
    """A petal's or leaf's extent along its axis, its half width and its form."""

    start: float
    end: float
    half_width: float
    form: str  # "pointed", "round" or "notched"


def petal_distance(x: torch.Tensor, y: torch.Tensor, petal: Petal) -> torch.Tensor:
    """Distance to the outline of a petal along +x whose own axis is y = 0; y >= 0."""
    length = petal.end - petal.start
    end: float | torch.Tensor = petal.end
    if petal.form == "notched":
        end = petal.end - 0.16 * length * torch.exp(-(y / (0.3 * petal.half_width)).square())
    t = (x - petal.start) / (end - petal.start)
    step = 0.01
    width, further = (petal.half_width * _form((t + k).clamp(0, 1), petal.form) for k in (0, step))
    slope = (further - width) / (step * length)
    inside = (width - y) / (1 + slope.square()).sqrt()
    before = -torch.hypot((petal.start - x).clamp(min=0), y)
    beyond = -torch.hypot((x - end).clamp(min=0), y)
    return torch.where(t < 0, before, torch.where(t > 1, beyond, inside))


def _form(t: torch.Tensor, form: str) -> torch.Tensor:
    """Half width along the petal, 0 at its ends and 1 at its widest."""
    bend, fullness = {"pointed": (1.0, 1.1), "round": (1.7, 0.55), "notched": (1.9, 0.6)}[form]
    return torch.sin(math.pi * t.clamp(1e-4, 1 - 1e-4) ** bend).clamp(min=0) ** fullness
