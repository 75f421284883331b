"""Shapes of elements: distances to their outline, and the profile from the outline to the middle."""

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


def rounded(distance: torch.Tensor, width: torch.Tensor | float) -> torch.Tensor:
    """0 at the outline to 1 from `width` inwards, as a quarter circle."""
    outward = 1 - (distance / width).clamp(0, 1)
    return (1 - outward.square()).clamp(min=0).sqrt()


def smoothstep(value: torch.Tensor, low: float | torch.Tensor, high: float | torch.Tensor) -> torch.Tensor:
    """0 below low, 1 above high, a smooth ramp between."""
    t = ((value - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)
