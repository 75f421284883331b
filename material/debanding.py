"""The stair-steps of a height of few bits, found and smoothed within what the rounding left open."""

import torch

from ..common.axes import Axes, wrapped
from .strips import empty_image, lines_at_once, row_strips

LEVELS = 255
EIGHT_BITS = (1 / 255, 256 / 65535)  # steps of 8-bit files, and of those in 16 bits whose values were only shifted
ROWS_AT_ONCE = 64  # a height that is not banded shows it in the first rows
ON_GRID = 1e-4  # of a step: how near to whole steps values must lie to be 8-bit ones
NEAR_GRID = 0.1  # of a step: what half floats and arithmetic add, where many values tell
FINEST = 5000  # levels in the range of 0..1 beyond which steps are too small to show: 12 bits have 4096
ENOUGH = 16  # different values, below which even steps may be chance: a mask has two
OCCUPIED = 0.25  # part of the levels that must occur
REACHES = (1, 2, 4, 8, 16, 8, 4, 2, 1)  # pixels between the neighbours that even out, up and down again
HALO = 2 * sum(REACHES)  # rows within which others can have an influence: two reaches a step
STRIP_PIXELS = 2**20
STRAIGHT = 2.5  # steps by which the file may bend between three pixels that even out: rounding alone bends by 2


def quantisation_step(height: torch.Tensor) -> float:
    """The even step to which the values of a height (..., H, W) were rounded, 0 where there is none.

    Found are 8 bits, also shifted into 16 or kept in half floats, and any other even steps, such as those of 8 bits
    that were stretched or of 10 and 12 bits, as long as enough of their levels occur. Steps finer than 12 bits are
    none.
    """
    lowest, highest = float(height.amin()), float(height.amax())
    in_range = lowest >= 0 and highest <= 1
    if in_range and all(_on_grid(rows) for rows in height.split(ROWS_AT_ONCE, dim=-2)):
        return EIGHT_BITS[0] if highest > lowest else 0.0
    values = distinct_values(height)
    return _even_step(values.double()) if len(values) >= ENOUGH else 0.0


def distinct_values(height: torch.Tensor) -> torch.Tensor:
    """The different values of a height (..., H, W), sorted; none at all where there are more than `FINEST`."""
    found = height.new_zeros(0)
    for rows in height.split(ROWS_AT_ONCE, dim=-2):
        found = torch.cat([found, rows.unique()]).unique()
        if len(found) > FINEST:
            return found[:0]
    return found


def _even_step(values: torch.Tensor) -> float:
    for step in EIGHT_BITS:
        if 0 <= float(values[0]) and float(values[-1]) <= 1 and _all_near(values / step):
            return step
    apart = values.diff()
    for parts in (1, 2, 3):  # the smallest distance that occurs may be of two or three steps
        step = float(apart.min()) / parts
        single = apart[apart < 1.5 * step] if parts == 1 else apart
        step = float((single / (single / step).round()).mean())
        levels = float(values[-1] - values[0]) / step
        fine = step < max(1.0, float(values[-1] - values[0])) / FINEST
        if not fine and len(values) >= OCCUPIED * levels and _all_near((values - values[0]) / step):
            return step
    return 0.0


def _all_near(steps: torch.Tensor) -> bool:
    return bool(((steps - steps.round()).abs() < NEAR_GRID).all())


def deband(height: torch.Tensor, axes: Axes, step: float = 1 / LEVELS) -> torch.Tensor:
    """Even out the steps of a height (B, 1, H, W) that was rounded to multiples of `step`, by half a step at most.

    Pixels even out with neighbours at rising and falling distances, by a kernel that keeps parabolas, so that round
    shapes stay round. Near cliffs, where the file itself bends, nothing moves: they stay sharp, the ground flat.
    Works in strips of about `STRIP_PIXELS`, but of as many rows at least as a strip sees on either side.
    """
    rows = height.shape[-2]
    at_once = max(HALO, lines_at_once(height, STRIP_PIXELS))
    if rows <= at_once + 2 * HALO:
        return _deband(height, axes, step)
    smooth = empty_image(height, 1)
    for strip in row_strips(rows, at_once):
        around, inside = _with_halo(height, strip, axes.y)
        smooth[..., strip, :] = _deband(around, Axes(axes.x, False), step)[..., inside, :]
    return smooth


def deband_batch(height: torch.Tensor, axes: Axes) -> tuple[torch.Tensor, list[str]]:
    """Heights (B, 1, H, W), each without the steps that it has, and a sentence on what was found in the batch."""
    smooth, notes = [], []
    for image in height.split(1):
        step = quantisation_step(image)
        smooth.append(deband(image, axes, step) if step else image)
        notes.append(_told(step, image))
    return (torch.cat(smooth) if len(smooth) > 1 else smooth[0]), list(dict.fromkeys(filter(None, notes)))


def _told(step: float, image: torch.Tensor) -> str:
    smoothed = "its steps were smoothed by half a step at most."
    if step in EIGHT_BITS:
        return f"The height has 8 bits; {smoothed}"
    if step:
        return f"The height has even steps of {step:.3g} (1/{1 / step:.0f}); {smoothed}"
    levels = len(distinct_values(image))
    if ENOUGH <= levels <= LEVELS + 1 < image.numel():
        return f"The height has only {levels} different values, in no even steps: nothing was smoothed."
    return ""


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


def _deband(height: torch.Tensor, axes: Axes, step: float) -> torch.Tensor:
    lowest, highest = height - 0.5 * step, height + 0.5 * step
    smooth = height
    for reach in REACHES:
        smooth = _even_out(smooth, height, reach, -1, axes.x, step)
        smooth = _even_out(smooth, height, reach, -2, axes.y, step)
        smooth = torch.minimum(torch.maximum(smooth, lowest), highest)
    return smooth


def _on_grid(height: torch.Tensor) -> bool:
    steps = height * LEVELS
    return bool(((steps - steps.round()).abs() < ON_GRID).all())


def _even_out(
    smooth: torch.Tensor, source: torch.Tensor, reach: int, dim: int, wraps: bool, step: float
) -> torch.Tensor:
    """[-1, 4, 10, 4, -1] / 16 along `dim`, `reach` pixels apart, where the source is straight enough."""
    size = source.shape[dim]
    reach = min(reach, size - 1)
    straight = _bend(source, reach, dim).abs() < STRAIGHT * step
    if not wraps:
        straight.narrow(dim, 0, reach)[:] = straight.narrow(dim, size - reach, reach)[:] = False
    straight = straight & straight.roll(reach, dim) & straight.roll(-reach, dim)
    return smooth - _bend(_bend(smooth, reach, dim), reach, dim) * straight / 16


def _bend(height: torch.Tensor, reach: int, dim: int) -> torch.Tensor:
    return height.roll(-reach, dim) + height.roll(reach, dim) - 2 * height
