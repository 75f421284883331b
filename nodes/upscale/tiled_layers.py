"""Layers of an image network run tile by tile, each with exactly the surroundings it sees in the whole image.

A whole map of values is kept between two layers. So a tile never sees an edge that the image does not have, group
norms use the statistics of the whole image, and the result is that of the untiled network up to rounding.
"""

import math
from collections.abc import Callable

import torch

from ..common.axes import Axes
from .convolution_geometry import multiplications_per_cell, reach, result_size
from .feature_map import FeatureMap
from .tiles import Span, Tile, overhang, read, spans, tiles

TilePass = Callable[[torch.Tensor], torch.Tensor]  # (1, C, h, w) -> (1, C, h, w), each pixel by itself
NormWeights = Callable[[torch.nn.GroupNorm, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]

MULTIPLICATIONS_PER_TILE = 3e10  # about a second of one slow CPU: how long a cancelled run goes on
SCORES_PER_CHUNK = 2**24


class TiledLayers:
    """The layers an image network consists of, over feature maps.

    device: where the network is. tile_size: the longest side of a tile in pixels of the picture.
    norm_weights(norm, like) gives the weights of a norm on the device of `like`. on_tile is called after every tile
    with the multiplications it took; it may raise, to end the run. Maps of more than `largest_map` bytes are kept in
    host memory. The convolutions of the network must have lost their padding (`unpadded_convolutions`).
    """

    def __init__(
        self,
        device: torch.device,
        tile_size: int,
        axes: Axes,
        norm_weights: NormWeights,
        on_tile: Callable[[int], None],
        largest_map: float = math.inf,
    ) -> None:
        self.device = device
        self.tile_size = tile_size
        self.axes = axes
        self.norm_weights = norm_weights
        self.on_tile = on_tile
        self.largest_map = largest_map

    def convolution(
        self,
        conv: torch.nn.Conv2d,
        source: FeatureMap,
        before: TilePass | None = None,
        after: TilePass | None = None,
        upscale: int = 1,
        pad_after: int = 0,
        add: FeatureMap | None = None,
        shortcut: torch.nn.Module | None = None,
    ) -> FeatureMap:
        """after(conv(upscaled before(source)) + shortcut(add)), all in one pass over the tiles.

        pad_after is the padding on the right and below that the network lays around the input by itself.
        `add` is used up: the result takes its place in memory if it fits there.
        """
        target = self._target(conv, source, upscale, pad_after, add)
        work = multiplications_per_cell(conv) + (multiplications_per_cell(shortcut) if shortcut else 0)
        for tile in self._tiles(target, work):
            result = conv(
                self._window(source, Tile(reach(conv, tile.rows), reach(conv, tile.columns)), before, upscale)
            )
            if add is not None:
                here = self._read(add, tile)
                result = (here if shortcut is None else shortcut(here)) + result
            target.write(tile, result[0] if after is None else after(result)[0])
            self.on_tile(tile.area * work)
        return target

    def norm(self, norm: torch.nn.GroupNorm, source: FeatureMap) -> TilePass:
        """The group norm of `source` as a pass over its tiles, with the statistics of the whole image."""
        mean, variance = source.moments.by_group(norm.num_groups)
        like = torch.empty(0, dtype=source.values.dtype, device=self.device)
        weight, bias = (weights.cpu().double() for weights in self.norm_weights(norm, like))
        channels = source.values.shape[0] // norm.num_groups
        scale = weight * (variance + norm.eps).rsqrt().repeat_interleave(channels)
        shift = bias - mean.repeat_interleave(channels) * scale
        scale, shift = (values.float().view(1, -1, 1, 1).to(self.device) for values in (scale, shift))
        return lambda tile: torch.addcmul(shift, tile.float(), scale).to(tile.dtype)

    def norm_silu(self, norm: torch.nn.GroupNorm, source: FeatureMap) -> TilePass:
        """The same, followed by SiLU."""
        normalise = self.norm(norm, source)
        return lambda tile: torch.nn.functional.silu(normalise(tile), inplace=True)

    def attention(self, query: FeatureMap, key: FeatureMap, value: FeatureMap) -> FeatureMap:
        """Every cell attends to all cells of the image, in chunks of queries. The result takes the place of `query`."""
        keys, values = (map.values.to(self.device).flatten(1).T[None, None] for map in (key, value))
        queries = query.values.flatten(1).T[None, None]
        cells = queries.shape[-2]
        for chunk in spans(cells, max(SCORES_PER_CHUNK // cells, 1)):
            here = queries[..., chunk.start : chunk.stop, :]
            result = torch.nn.functional.scaled_dot_product_attention(here.to(self.device), keys, values)
            here.copy_(result)
            self.on_tile(chunk.length * self.multiplications_per_query(key))
        return FeatureMap(query.values, query.cell)

    @staticmethod
    def multiplications_per_query(key: FeatureMap) -> int:
        """Multiplications for one cell of an attention over `key`."""
        return 2 * key.values.numel()

    def _target(
        self, conv: torch.nn.Conv2d, source: FeatureMap, upscale: int, pad_after: int, into: FeatureMap | None
    ) -> FeatureMap:
        """The map, yet to be written, for a convolution; in the memory of `into` if it fits there."""
        height, width = (result_size(conv, size * upscale, pad_after) for size in (source.height, source.width))
        cell = source.cell * conv.stride[0] / upscale
        if into is not None and into.values.shape[0] >= conv.out_channels:
            return FeatureMap(into.values[: conv.out_channels], cell)
        size = conv.out_channels * height * width * source.values.element_size()
        device = self.device if size <= self.largest_map else torch.device("cpu")
        values = torch.empty(conv.out_channels, height, width, dtype=source.values.dtype, device=device)
        return FeatureMap(values, cell)

    def _tiles(self, target: FeatureMap, work: int) -> list[Tile]:
        """Tiles for a layer that takes `work` multiplications per cell of its result."""
        swift = math.isqrt(int(MULTIPLICATIONS_PER_TILE / work))
        return list(tiles(target.height, target.width, max(min(int(self.tile_size / target.cell), swift), 1)))

    def _read(self, source: FeatureMap, tile: Tile) -> torch.Tensor:
        return read(source.values, tile, self.axes).to(self.device).unsqueeze(0)

    def _window(self, source: FeatureMap, window: Tile, before: TilePass | None, upscale: int) -> torch.Tensor:
        """(1, C, h, w) under `window`, given in upscaled cells. Outside the image is zero, after `before`."""
        rows, columns = (
            Span(span.start // upscale, -(-span.stop // upscale)) for span in (window.rows, window.columns)
        )
        values = self._read(source, Tile(rows, columns))
        if before is not None:
            values = before(values)
        outside = overhang(Tile(rows, columns), source.height, source.width, self.axes)
        if any(outside):
            values = torch.nn.functional.pad(values, outside)
        if upscale == 1:
            return values
        values = torch.nn.functional.interpolate(values, scale_factor=upscale, mode="nearest")
        top, left = window.rows.start - rows.start * upscale, window.columns.start - columns.start * upscale
        return values[..., top : top + window.rows.length, left : left + window.columns.length]
