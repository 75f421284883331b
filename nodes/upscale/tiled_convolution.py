"""A convolution with everything around it, computed for any tile of its result."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from ..common.axes import Axes
from .convolution_geometry import multiplications_per_cell, reach, result_size
from .feature_map import FeatureMap
from .tiles import Span, Tile, inside, overhang

TilePass = Callable[[torch.Tensor], torch.Tensor]  # (1, C, h, w) -> (1, C, h, w), each pixel by itself


@dataclass(frozen=True)
class TiledConvolution:
    """after(conv(upscaled before(source)) + shortcut(add)).

    pad_after is the padding on the right and below that the network lays around the input by itself. The convolution
    must have lost its own padding (`unpadded_convolutions`).
    """

    conv: torch.nn.Conv2d
    source: FeatureMap
    axes: Axes
    before: TilePass | None = None
    after: TilePass | None = None
    upscale: int = 1
    pad_after: int = 0
    add: FeatureMap | None = None
    shortcut: torch.nn.Module | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the result."""
        sizes = (self.source.height, self.source.width)
        return self.conv.out_channels, *(result_size(self.conv, size * self.upscale, self.pad_after) for size in sizes)

    @property
    def cell(self) -> float:
        """Pixels of the picture that a cell of the result covers, along one axis."""
        return self.source.cell * self.conv.stride[0] / self.upscale

    @property
    def multiplications_per_cell(self) -> int:
        """For one cell of the result, with what its inputs cost to read."""
        own = multiplications_per_cell(self.conv) + (multiplications_per_cell(self.shortcut) if self.shortcut else 0)
        inputs = self.source.multiplications_per_cell * self.conv.stride[0] ** 2 // self.upscale**2
        return own + inputs + (self.add.multiplications_per_cell if self.add else 0)

    @property
    def values_per_cell(self) -> int:
        """How many values go in and come out for one cell of the result."""
        return self.conv.in_channels * self.conv.stride[0] ** 2 + self.conv.out_channels

    def begin(self, tile: Tile) -> Any:
        """Begin to read what `tile` of the result depends on."""
        return (
            self.source.begin(self._below(self._window(tile)), self.axes),
            None if self.add is None else self.add.begin(tile, self.axes),
        )

    def finish(self, tile: Tile, begun: Any) -> torch.Tensor:
        """(1, C, h, w), the result under `tile`, for what `begin` gave."""
        window, here = begun
        result = self.conv(self._prepared(self._window(tile), self.source.finish(window)))
        if self.add is not None:
            here = self.add.finish(here)
            result += here if self.shortcut is None else self.shortcut(here)
        return result if self.after is None else self.after(result)

    def _window(self, tile: Tile) -> Tile:
        return Tile(reach(self.conv, tile.rows), reach(self.conv, tile.columns))

    def _below(self, window: Tile) -> Tile:
        """The cells of the source under `window`, which is given in upscaled cells."""
        rows, columns = window.rows, window.columns
        return Tile(*(Span(span.start // self.upscale, -(-span.stop // self.upscale)) for span in (rows, columns)))

    def _prepared(self, window: Tile, values: torch.Tensor) -> torch.Tensor:
        """(1, C, h, w) under `window`. Outside the image is zero, after `before`."""
        below = self._below(window)
        if self.before is not None:
            values = self.before(values)
        outside = overhang(below, self.source.height, self.source.width, self.axes)
        if any(outside):
            values = torch.nn.functional.pad(values, outside)
        if self.upscale == 1:
            return values
        values = torch.nn.functional.interpolate(values, scale_factor=self.upscale, mode="nearest")
        top = window.rows.start - below.rows.start * self.upscale
        left = window.columns.start - below.columns.start * self.upscale
        return values[..., top : top + window.rows.length, left : left + window.columns.length]


class RecomputedMap(FeatureMap):
    """A map that is kept nowhere: a convolution's result, computed for every tile that is read."""

    def __init__(self, work: TiledConvolution) -> None:
        super().__init__(work.shape, work.source.dtype, work.cell)
        self.work = work

    @property
    def multiplications_per_cell(self) -> int:
        return self.work.multiplications_per_cell

    def begin(self, tile: Tile, axes: Axes) -> Any:
        tile = inside(tile, self.height, self.width, axes)
        return tile, self.work.begin(tile)

    def finish(self, begun: Any) -> torch.Tensor:
        return self.work.finish(*begun)
