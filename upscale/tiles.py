"""Cutting an image into tiles, and reading a tile with its surroundings."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from ..common.axes import Axes, wrapped


@dataclass(frozen=True)
class Span:
    """Cells start .. stop - 1 along one axis; may reach beyond the image."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class Tile:
    """A rectangle of cells."""

    rows: Span
    columns: Span

    @property
    def area(self) -> int:
        return self.rows.length * self.columns.length


def tiles(height: int, width: int, side: int) -> Iterator[Tile]:
    """Tiles of nearly equal size, at most `side` cells a side, that cover the image once."""
    for rows in spans(height, side):
        for columns in spans(width, side):
            yield Tile(rows, columns)


def spans(length: int, side: int) -> list[Span]:
    """The fewest spans of at most `side` cells that cover `length`, none more than one cell longer than another."""
    count = math.ceil(length / side)
    edges = [length * number // count for number in range(count + 1)]
    return [Span(start, stop) for start, stop in zip(edges, edges[1:], strict=False)]


def read(values: torch.Tensor, tile: Tile, axes: Axes) -> torch.Tensor:
    """The part of (C, H, W) under `tile`. Along `axes` the tile reads around the edge; elsewhere it ends there."""
    return _read_last(_read_last(values.transpose(-1, -2), tile.rows, axes.y).transpose(-1, -2), tile.columns, axes.x)


def inside(tile: Tile, height: int, width: int, axes: Axes) -> Tile:
    """The part of `tile` that an image has: all of it along `axes`."""
    rows = tile.rows if axes.y else _within(tile.rows, height)
    return Tile(rows, tile.columns if axes.x else _within(tile.columns, width))


def overhang(tile: Tile, height: int, width: int, axes: Axes) -> tuple[int, int, int, int]:
    """How far `tile` reaches over the edges that do not wrap: left, right, top, bottom."""
    horizontal = (0, 0) if axes.x else _beyond(tile.columns, width)
    vertical = (0, 0) if axes.y else _beyond(tile.rows, height)
    return *horizontal, *vertical


def _read_last(values: torch.Tensor, span: Span, wraps: bool) -> torch.Tensor:
    size = values.shape[-1]
    within = _within(span, size)
    if within == span or not wraps:
        return values[..., within.start : within.stop]
    return wrapped(values, span.start, span.stop, -1)


def _within(span: Span, size: int) -> Span:
    return Span(max(span.start, 0), min(span.stop, size))


def _beyond(span: Span, size: int) -> tuple[int, int]:
    return max(-span.start, 0), max(span.stop - size, 0)
