"""A convolution fused with what stands before and after it, computed for any tile of its output."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from ..common.axes import Axes
from ..common.wrapped_convolutions import replaced
from .convolution_geometry import doubling_convolution, macs_per_cell, receptive_field, result_size
from .feature_map import FeatureMap
from .tiles import Span, Tile, inside, overhang

TilePass = Callable[[torch.Tensor], torch.Tensor]  # (1, C, h, w) -> (1, C, h, w), pointwise


@dataclass(frozen=True)
class TiledConvolution:
    """after(conv(before(source)) + shortcut(add)), of a convolution that pads nothing itself (`unpadded_convolutions`).

    doubled: before(source) is upsampled by 2 (nearest neighbour) first; the kernel is 3 x 3 then. pad_after: columns
    and rows of zeros that the network appends on the right and below.
    """

    conv: torch.nn.Conv2d
    source: FeatureMap
    before: TilePass | None = None
    after: TilePass | None = None
    doubled: bool = False
    pad_after: int = 0
    add: FeatureMap | None = None
    shortcut: torch.nn.Conv2d | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the output."""
        height, width = self.source.height * self._growth, self.source.width * self._growth
        return (
            self.conv.out_channels,
            result_size(self.conv, height, self.pad_after),
            result_size(self.conv, width, self.pad_after),
        )

    @property
    def cell(self) -> float:
        """Pixels of the picture that a cell of the output covers, along one axis."""
        return self.source.cell * self.conv.stride[0] / self._growth

    @property
    def macs_per_cell(self) -> int:
        """MACs for one cell of the output, with what its inputs cost to read."""
        own = macs_per_cell(self.conv)
        if self.doubled:
            own = own * 4 // 9
        inputs = self.source.macs_per_cell * self.conv.stride[0] ** 2 // self._growth**2
        added = self.add.macs_per_cell if self.add else 0
        return own + inputs + added + (macs_per_cell(self.shortcut) if self.shortcut else 0)

    @property
    def values_per_cell(self) -> int:
        """How many values are read and written for one cell of the output."""
        return self.conv.in_channels * self.conv.stride[0] ** 2 + self.conv.out_channels

    def begin(self, tile: Tile, axes: Axes) -> Any:
        """Begin to read what `tile` of the output depends on, wrapping along `axes`."""
        window = self.source.begin(self._window(tile), axes)
        return window, None if self.add is None else self.add.begin(tile, axes)

    def finish(self, tile: Tile, axes: Axes, begun: Any) -> torch.Tensor:
        """(1, C, h, w), the output under `tile`, from what `begin` returned."""
        window, here = begun
        values = self._prepared(self._window(tile), axes, self.source.finish(window))
        result = self._convolved_doubled(tile, values) if self.doubled else self.conv(values)
        if self.add is not None:
            here = self.add.finish(here)
            result += here if self.shortcut is None else self.shortcut(here)
        return result if self.after is None else self.after(result)

    @property
    def _growth(self) -> int:
        return 2 if self.doubled else 1

    def _window(self, tile: Tile) -> Tile:
        """The cells of the source that `tile` of the output depends on."""
        if not self.doubled:
            return Tile(receptive_field(self.conv, tile.rows), receptive_field(self.conv, tile.columns))
        return Tile(*(Span(span.start // 2 - 1, -(-span.stop // 2) + 1) for span in (tile.rows, tile.columns)))

    def _prepared(self, window: Tile, axes: Axes, values: torch.Tensor) -> torch.Tensor:
        """(1, C, h, w) under `window`, after `before`; outside the image it is zero, as padding is."""
        if self.before is not None:
            values = self.before(values)
        outside = overhang(window, self.source.height, self.source.width, axes)
        return torch.nn.functional.pad(values, outside) if any(outside) else values

    def _convolved_doubled(self, tile: Tile, values: torch.Tensor) -> torch.Tensor:
        with replaced(self.conv, {"_conv_forward": doubling_convolution}):
            result: torch.Tensor = self.conv(values)
        top, left = tile.rows.start % 2, tile.columns.start % 2
        return result[..., top : top + tile.rows.length, left : left + tile.columns.length]


class RecomputedMap(FeatureMap):
    """A map that is stored nowhere: the output of a convolution, computed for every tile that is read."""

    def __init__(self, work: TiledConvolution) -> None:
        super().__init__(work.shape, work.source.dtype, work.cell)
        self.work = work
        self.macs_per_cell = work.macs_per_cell

    def begin(self, tile: Tile, axes: Axes) -> Any:
        tile = inside(tile, self.height, self.width, axes)
        return tile, axes, self.work.begin(tile, axes)

    def finish(self, begun: Any) -> torch.Tensor:
        return self.work.finish(*begun)
