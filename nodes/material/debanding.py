"""The stair-steps of an 8-bit height, smoothed within what the rounding left open."""

import torch

from ..common.axes import Axes

LEVELS = 255
ROWS_AT_ONCE = 64  # a height that is not banded shows it in the first rows
ON_GRID = 1e-4  # of a step: how near to whole steps values must lie to be 8-bit ones
REACHES = (1, 2, 4, 8, 16, 8, 4, 2, 1)  # pixels between the neighbours that even out, up and down again
STRAIGHT = 2.5  # steps by which the file may bend between three pixels that even out: rounding alone bends by 2


def is_banded(height: torch.Tensor) -> bool:
    """Whether every value of a height (..., H, W) of 0..1 is one of the 256 of an 8-bit file."""
    return all(_on_grid(rows) for rows in height.split(ROWS_AT_ONCE, dim=-2))


def deband(height: torch.Tensor, axes: Axes) -> torch.Tensor:
    """Even out the steps of an 8-bit height (B, 1, H, W) of 0..1, by half a step at most.

    Pixels even out with neighbours at rising and falling distances, by a kernel that keeps parabolas, so that round
    shapes stay round. Near cliffs, where the file itself bends, nothing moves: they stay sharp, the ground flat.
    """
    lowest, highest = height - 0.5 / LEVELS, height + 0.5 / LEVELS
    smooth = height
    for reach in REACHES:
        smooth = _even_out(smooth, height, reach, axes.x)
        smooth = _even_out(smooth.mT, height.mT, reach, axes.y).mT
        smooth = torch.minimum(torch.maximum(smooth, lowest), highest)
    return smooth


def _on_grid(height: torch.Tensor) -> bool:
    steps = height * LEVELS
    return bool(((steps - steps.round()).abs() < ON_GRID).all())


def _even_out(smooth: torch.Tensor, source: torch.Tensor, reach: int, wraps: bool) -> torch.Tensor:
    """[-1, 4, 10, 4, -1] / 16 along the last dimension, `reach` pixels apart, where the source is straight enough."""
    reach = min(reach, source.shape[-1] - 1)
    straight = _bend(source, reach).abs() < STRAIGHT / LEVELS
    if not wraps:
        straight[..., :reach] = straight[..., -reach:] = False
    straight = straight & straight.roll(reach, -1) & straight.roll(-reach, -1)
    return smooth - _bend(_bend(smooth, reach), reach) * straight / 16


def _bend(height: torch.Tensor, reach: int) -> torch.Tensor:
    return height.roll(-reach, -1) + height.roll(reach, -1) - 2 * height
