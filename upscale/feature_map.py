"""Feature maps between two layers of a network: written and read tile by tile."""

from collections.abc import Sequence
from typing import Any

import torch

from ..common.axes import Axes
from .moments import Moments
from .offloading import OffloadLink
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

    macs_per_cell: int = 0
    """MACs (multiply-accumulates) that reading a cell costs: more than 0 for a map that is recomputed."""

    def write(self, tile: Tile, values: torch.Tensor) -> None:
        """Write (C, h, w), the values under `tile`. Every cell is written once."""

    def complete(self, moments: Moments) -> None:
        """All tiles are written; the map is going to be read. `moments` are those of all its values."""
        self.moments = moments

    def begin(self, tile: Tile, axes: Axes) -> Any:
        """Begin to read `tile`, which wraps along `axes` and is clipped at the border elsewhere."""
        raise NotImplementedError

    def finish(self, begun: Any) -> torch.Tensor:
        """(1, C, h, w) on the device, for what `begin` gave."""
        raise NotImplementedError


class StoredMap(FeatureMap):
    """A map whose values are kept on the device where the layers run."""

    def __init__(self, values: torch.Tensor, cell: float) -> None:
        super().__init__(values.shape, values.dtype, cell)
        self.values = values

    def write(self, tile: Tile, values: torch.Tensor) -> None:
        self._under(tile).copy_(values)

    def begin(self, tile: Tile, axes: Axes) -> torch.Tensor:
        return read(self.values, tile, axes)

    def finish(self, begun: torch.Tensor) -> torch.Tensor:
        return begun.unsqueeze(0)

    def in_its_place(self, channels: int, cell: float) -> "StoredMap":
        """A map of `channels` that reuses the memory of this one."""
        return StoredMap(self.values[:channels], cell)

    def thirds(self) -> "list[StoredMap]":
        """Three maps in the memory of this one, of a third of its channels each."""
        return [StoredMap(part, self.cell) for part in self.values.chunk(3)]

    def _under(self, tile: Tile) -> torch.Tensor:
        return self.values[:, tile.rows.start : tile.rows.stop, tile.columns.start : tile.columns.stop]


class OffloadedMap(StoredMap):
    """A map whose values are kept in main memory; its tiles are copied over `link`."""

    def __init__(self, values: torch.Tensor, cell: float, link: OffloadLink) -> None:
        super().__init__(values, cell)
        self.link = link

    def write(self, tile: Tile, values: torch.Tensor) -> None:
        self.link.offload(values, self._under(tile))

    def complete(self, moments: Moments) -> None:
        super().complete(moments)
        self.link.wait()

    def begin(self, tile: Tile, axes: Axes) -> Any:
        return self.link.prefetch(super().begin(tile, axes))

    def finish(self, begun: Any) -> torch.Tensor:
        return self.link.receive(begun).unsqueeze(0)

    def in_its_place(self, channels: int, cell: float) -> StoredMap:
        return OffloadedMap(self.values[:channels], cell, self.link)

    def thirds(self) -> list[StoredMap]:
        return [OffloadedMap(part, self.cell, self.link) for part in self.values.chunk(3)]
