"""What a layer leaves behind: the values of a whole image, given tile by tile."""

from collections.abc import Sequence
from typing import Any

import torch

from ..common.axes import Axes
from .moments import Moments
from .offloading import HostLink
from .tiles import Tile, read


class FeatureMap:
    """(C, H, W) values of one image. One cell of the map covers `cell` by `cell` pixels of the picture.

    A tile is read in two steps, so that the next one can be on its way while one is worked on.
    """

    def __init__(self, shape: Sequence[int], dtype: torch.dtype, cell: float) -> None:
        self.channels, self.height, self.width = shape
        self.dtype = dtype
        self.cell = cell
        self.moments: Moments | None = None

    multiplications_per_cell = 0
    """What reading a cell costs."""

    def take(self, tile: Tile, values: torch.Tensor) -> None:
        """Here is (C, h, w), the map under `tile`. Every cell is given once."""

    def complete(self, moments: Moments) -> None:
        """All tiles are given; the map is going to be read."""
        self.moments = moments

    def begin(self, tile: Tile, axes: Axes) -> Any:
        """Begin to read `tile`, which reads around the edge along `axes` and ends there elsewhere."""
        raise NotImplementedError

    def finish(self, begun: Any) -> torch.Tensor:
        """(1, C, h, w) on the device, for what `begin` gave."""
        raise NotImplementedError


class StoredMap(FeatureMap):
    """A map whose values are kept where the layers run."""

    def __init__(self, values: torch.Tensor, cell: float) -> None:
        super().__init__(values.shape, values.dtype, cell)
        self.values = values

    def take(self, tile: Tile, values: torch.Tensor) -> None:
        self._under(tile).copy_(values)

    def begin(self, tile: Tile, axes: Axes) -> torch.Tensor:
        return read(self.values, tile, axes)

    def finish(self, begun: torch.Tensor) -> torch.Tensor:
        return begun.unsqueeze(0)

    def in_its_place(self, channels: int, cell: float) -> "StoredMap":
        """A map of `channels` that takes the memory of this one."""
        return StoredMap(self.values[:channels], cell)

    def _under(self, tile: Tile) -> torch.Tensor:
        return self.values[:, tile.rows.start : tile.rows.stop, tile.columns.start : tile.columns.stop]


class OffloadedMap(StoredMap):
    """A map whose values are kept in host memory, and travel over `link` tile by tile."""

    def __init__(self, values: torch.Tensor, cell: float, link: HostLink) -> None:
        super().__init__(values, cell)
        self.link = link

    def take(self, tile: Tile, values: torch.Tensor) -> None:
        self.link.bring(values, self._under(tile))

    def complete(self, moments: Moments) -> None:
        super().complete(moments)
        self.link.wait()

    def begin(self, tile: Tile, axes: Axes) -> Any:
        return self.link.send(super().begin(tile, axes))

    def finish(self, begun: Any) -> torch.Tensor:
        return self.link.receive(begun).unsqueeze(0)

    def in_its_place(self, channels: int, cell: float) -> StoredMap:
        return OffloadedMap(self.values[:channels], cell, self.link)
