"""A latent denoised in overlapping windows whose predictions are averaged; windows wrap where the latent does.

Uniform weights: Bar-Tal et al., "MultiDiffusion" (2023). Gaussian ones: Jimenez, "Mixture of Diffusers" (2023).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from ..common.axes import Axes, wrapped_indices

METHODS = ["MultiDiffusion", "Mixture of Diffusers"]
GAUSSIAN_VARIANCE = 0.01  # in squares of the window's side

Predict = Callable[[list["Window"]], Sequence[torch.Tensor]]


@dataclass(frozen=True)
class Window:
    """A rectangle of latent cells that begins at (top, left) and may reach around the edge."""

    top: int
    left: int
    height: int
    width: int

    def crop(self, values: torch.Tensor, ratio: float = 1) -> torch.Tensor:
        """The part of (B, C, H * ratio, W * ratio) under the window."""
        rows, columns = self._indices(values, ratio)
        return values.index_select(-2, rows).index_select(-1, columns)

    def add(self, values: torch.Tensor, part: torch.Tensor, ratio: float = 1) -> None:
        """Add `part` to `values` under the window."""
        rows, columns = self._indices(values, ratio)
        values[..., rows.unsqueeze(1), columns] += part

    def _indices(self, values: torch.Tensor, ratio: float) -> tuple[torch.Tensor, torch.Tensor]:
        height, width = values.shape[-2:]
        top, bottom = round(self.top * ratio), round((self.top + self.height) * ratio)
        left, right = round(self.left * ratio), round((self.left + self.width) * ratio)
        rows = wrapped_indices(top, bottom, height, values.device)
        return rows, wrapped_indices(left, right, width, values.device)


@dataclass(frozen=True)
class WindowPlan:
    """Windows of `side` cells that overlap by at least `overlap`, weighted as `method` says.

    Along `axes` the grid of windows is laid around the latent and moved on at every step.
    """

    side: int
    overlap: int
    method: str
    axes: Axes

    def windows(self, height: int, width: int, step: int, unit: int) -> list[Window]:
        """The windows of a step. Every one begins at a multiple of `unit` cells."""
        rows = window_starts(height, self.side, self.overlap, self.axes.y, step * 0.7548776662, unit)
        columns = window_starts(width, self.side, self.overlap, self.axes.x, step * 0.6180339887, unit)
        return [Window(top, left, min(self.side, height), min(self.side, width)) for top in rows for left in columns]

    def inner_axes(self, height: int, width: int) -> Axes:
        """The axes that wrap inside a window: those that it spans."""
        return Axes(x=self.axes.x and self.side >= width, y=self.axes.y and self.side >= height)

    def weights(self, window: Window, height: int, width: int, ratio: float = 1) -> torch.Tensor:
        """(window height, window width) * ratio, how much each cell of a window counts."""
        rows = self._weights(window.height, window.height < height, ratio)
        return rows.unsqueeze(1) * self._weights(window.width, window.width < width, ratio)

    def _weights(self, side: int, fades: bool, ratio: float) -> torch.Tensor:
        cells = round(side * ratio)
        if self.method == METHODS[0] or not fades:
            return torch.ones(cells)
        place = (torch.arange(cells) + 0.5) / cells - 0.5
        return torch.exp(-place.square() / (2 * GAUSSIAN_VARIANCE))


def window_starts(size: int, side: int, overlap: int, wraps: bool, shift: float, unit: int) -> list[int]:
    """Where windows begin along an axis of `size` cells; `shift` moves a grid that wraps, in shares of the axis."""
    if side >= size:
        return [0]
    pitch = side - overlap
    if wraps:
        count = math.ceil(size / pitch)
        moved = int(shift % 1 * size)
        return [(moved + size * number // count) // unit * unit for number in range(count)]
    count = math.ceil((size - overlap) / pitch)
    return [(size - side) * number // (count - 1) // unit * unit for number in range(count)]


def fuse(
    plan: WindowPlan,
    windows: Sequence[Window],
    latent: torch.Tensor,
    predict: Predict,
    at_once: int,
) -> list[torch.Tensor]:
    """The weighted mean of what `predict` says for each of `windows` on (B, C, H, W).

    predict takes up to `at_once` windows and returns tensors (B, windows, C, h, w), which may be smaller than the
    windows by whole factors; what is fused has the size of `latent` over that factor.
    """
    height, width = latent.shape[-2:]
    sums: list[torch.Tensor] = []
    totals: list[torch.Tensor] = []
    for first in range(0, len(windows), at_once):
        group = list(windows[first : first + at_once])
        parts = predict(group)
        if not sums:
            ratios = [part.shape[-1] / group[0].width for part in parts]
            shapes = [(round(height * ratio), round(width * ratio)) for ratio in ratios]
            # In float32 whatever the latent: Gaussian weights in a corner vanish in half precision.
            sums = [
                torch.zeros(part.shape[0], part.shape[2], *shape, device=part.device)
                for part, shape in zip(parts, shapes, strict=True)
            ]
            totals = [torch.zeros(shape, device=latent.device) for shape in shapes]
        for part, ratio, sum_, total in zip(parts, ratios, sums, totals, strict=True):
            for number, window in enumerate(group):
                weight = plan.weights(window, height, width, ratio).to(latent.device)
                window.add(sum_, part[:, number] * weight, ratio)
                window.add(total, weight, ratio)
    return [(sum_ / total).to(part.dtype) for sum_, total, part in zip(sums, totals, parts, strict=True)]


def crop_all(values: torch.Tensor, windows: Sequence[Window], latent_width: int) -> torch.Tensor:
    """(B * windows, C, h, w): `values`, larger or smaller than the latent by a whole factor, under each window."""
    ratio = values.shape[-1] / latent_width
    return torch.stack([window.crop(values, ratio) for window in windows], 1).flatten(0, 1)


def crop_controls(
    controls: Mapping[str, list[torch.Tensor | None]], windows: Sequence[Window], latent_width: int
) -> dict[str, list[torch.Tensor | None]]:
    """The residuals of a ControlNet under each window."""
    return {
        name: [None if part is None else crop_all(part, windows, latent_width) for part in parts]
        for name, parts in controls.items()
    }
