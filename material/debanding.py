"""The stair-steps of an 8-bit height, smoothed within what the rounding left open."""

import torch

from ..common.axes import Axes, wrapped
from .strips import empty_image, lines_at_once, row_strips

LEVELS = 255
ROWS_AT_ONCE = 64  # a height that is not banded shows it in the first rows
ON_GRID = 1e-4  # of a step: how near to whole steps values must lie to be 8-bit ones
REACHES = (1, 2, 4, 8, 16, 8, 4, 2, 1)  # pixels between the neighbours that even out, up and down again
HALO = 2 * sum(REACHES)  # rows within which others can have an influence: two reaches a step
STRIP_PIXELS = 2**20
STRAIGHT = 2.5  # steps by which the file may bend between three pixels that even out: rounding alone bends by 2


def is_banded(height: torch.Tensor) -> bool:
    """Whether every value of a height (..., H, W) of 0..1 is one of the 256 of an 8-bit file."""
    return all(_on_grid(rows) for rows in height.split(ROWS_AT_ONCE, dim=-2))


def deband(height: torch.Tensor, axes: Axes) -> torch.Tensor:
    """Even out the steps of an 8-bit height (B, 1, H, W) of 0..1, by half a step at most.

    Pixels even out with neighbours at rising and falling distances, by a kernel that keeps parabolas, so that round
    shapes stay round. Near cliffs, where the file itself bends, nothing moves: they stay sharp, the ground flat.
    Works in strips of about `STRIP_PIXELS`, but of as many rows at least as a strip sees on either side.
    """
    rows = height.shape[-2]
    at_once = max(HALO, lines_at_once(height, STRIP_PIXELS))
    if rows <= at_once + 2 * HALO:
        return _deband(height, axes)
    smooth = empty_image(height, 1)
    for strip in row_strips(rows, at_once):
        around, inside = _with_halo(height, strip, axes.y)
        smooth[..., strip, :] = _deband(around, Axes(axes.x, False))[..., inside, :]
    return smooth


def _with_halo(height: torch.Tensor, strip: slice, wraps: bool) -> tuple[torch.Tensor, slice]:
    """The strip with the rows that can reach it, and where it lies in them."""
    rows = height.shape[-2]
    first, last = strip.start - HALO, strip.stop + HALO
    inside = slice(HALO, HALO + strip.stop - strip.start)
    if first >= 0 and last <= rows:
        return height[..., first:last, :], inside
    if wraps:
        return wrapped(height, first, last, -2), inside
    cut_off = max(0, -first)
    return height[..., first + cut_off : min(last, rows), :], slice(inside.start - cut_off, inside.stop - cut_off)


def _deband(height: torch.Tensor, axes: Axes) -> torch.Tensor:
    lowest, highest = height - 0.5 / LEVELS, height + 0.5 / LEVELS
    smooth = height
    for reach in REACHES:
        smooth = _even_out(smooth, height, reach, -1, axes.x)
        smooth = _even_out(smooth, height, reach, -2, axes.y)
        smooth = torch.minimum(torch.maximum(smooth, lowest), highest)
    return smooth


def _on_grid(height: torch.Tensor) -> bool:
    steps = height * LEVELS
    return bool(((steps - steps.round()).abs() < ON_GRID).all())


def _even_out(smooth: torch.Tensor, source: torch.Tensor, reach: int, dim: int, wraps: bool) -> torch.Tensor:
    """[-1, 4, 10, 4, -1] / 16 along `dim`, `reach` pixels apart, where the source is straight enough."""
    size = source.shape[dim]
    reach = min(reach, size - 1)
    straight = _bend(source, reach, dim).abs() < STRAIGHT / LEVELS
    if not wraps:
        straight.narrow(dim, 0, reach)[:] = straight.narrow(dim, size - reach, reach)[:] = False
    straight = straight & straight.roll(reach, dim) & straight.roll(-reach, dim)
    return smooth - _bend(_bend(smooth, reach, dim), reach, dim) * straight / 16


def _bend(height: torch.Tensor, reach: int, dim: int) -> torch.Tensor:
    return height.roll(-reach, dim) + height.roll(reach, dim) - 2 * height
