"""A convolution with everything around it, computed for any tile of its result."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from ..common.axes import Axes
from ..common.wrapped_convolutions import replaced
from .convolution_geometry import doubling_convolution, multiplications_per_cell, reach, result_size
from .feature_map import FeatureMap
from .tiles import Span, Tile, inside, overhang

TilePass = Callable[[torch.Tensor], torch.Tensor]  # (1, C, h, w) -> (1, C, h, w), each pixel by itself


@dataclass(frozen=True)
class TiledConvolution:
    """after(conv(before(source)) + shortcut(add)).

    doubled: every cell of before(source) is laid out as 2 x 2 cells first; the kernel is 3 x 3 then. pad_after is the
    padding on the right and below that the network lays around the input by itself. The convolution must have lost
    its own padding (`unpadded_convolutions`).
    """

    conv: torch.nn.Conv2d
    source: FeatureMap
    axes: Axes
    before: TilePass | None = None
    after: TilePass | None = None
    doubled: bool = False
    pad_after: int = 0
    add: FeatureMap | None = None
    shortcut: torch.nn.Module | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the result."""
        sizes = (self.source.height * self._growth, self.source.width * self._growth)
        return self.conv.out_channels, *(result_size(self.conv, size, self.pad_after) for size in sizes)

    @property
    def cell(self) -> float:
        """Pixels of the picture that a cell of the result covers, along one axis."""
        return self.source.cell * self.conv.stride[0] / self._growth

    @property
    def multiplications_per_cell(self) -> int:
        """For one cell of the result, with what its inputs cost to read."""
        own = multiplications_per_cell(self.conv)
        if self.doubled:
            own = own * 4 // 9
        inputs = self.source.multiplications_per_cell * self.conv.stride[0] ** 2 // self._growth**2
        added = self.add.multiplications_per_cell if self.add else 0
        return own + inputs + added + (multiplications_per_cell(self.shortcut) if self.shortcut else 0)

    @property
    def values_per_cell(self) -> int:
        """How many values go in and come out for one cell of the result."""
        return self.conv.in_channels * self.conv.stride[0] ** 2 + self.conv.out_channels

    def begin(self, tile: Tile) -> Any:
        """Begin to read what `tile` of the result depends on."""
        return (
            self.source.begin(self._window(tile), self.axes),
            None if self.add is None else self.add.begin(tile, self.axes),
        )

    def finish(self, tile: Tile, begun: Any) -> torch.Tensor:
        """(1, C, h, w), the result under `tile`, for what `begin` gave."""
        window, here = begun
        values = self._prepared(self._window(tile), self.source.finish(window))
        result = self._convolved_doubled(tile, values) if self.doubled else self.conv(values)
        if self.add is not None:
            here = self.add.finish(here)
            result += here if self.shortcut is None else self.shortcut(here)
        return result if self.after is None else self.after(result)

    @property
    def _growth(self) -> int:
        return 2 if self.doubled else 1

    def _window(self, tile: Tile) -> Tile:
        """The cells of the source that `tile` of the result depends on."""
        if not self.doubled:
            return Tile(reach(self.conv, tile.rows), reach(self.conv, tile.columns))
        return Tile(*(Span(span.start // 2 - 1, -(-span.stop // 2) + 1) for span in (tile.rows, tile.columns)))

    def _prepared(self, window: Tile, values: torch.Tensor) -> torch.Tensor:
        """(1, C, h, w) under `window`. Outside the image is zero, after `before`."""
        if self.before is not None:
            values = self.before(values)
        outside = overhang(window, self.source.height, self.source.width, self.axes)
        return torch.nn.functional.pad(values, outside) if any(outside) else values

    def _convolved_doubled(self, tile: Tile, values: torch.Tensor) -> torch.Tensor:
        with replaced(self.conv, {"_conv_forward": doubling_convolution}):
            result = self.conv(values)
        top, left = tile.rows.start % 2, tile.columns.start % 2
        return result[..., top : top + tile.rows.length, left : left + tile.columns.length]


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
