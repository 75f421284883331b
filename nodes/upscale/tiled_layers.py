"""Layers of an image network run tile by tile, each with exactly the surroundings it sees in the whole image.

A whole map of values is kept between two layers. So a tile never sees an edge that the image does not have, group
norms use the statistics of the whole image, and the result is that of the untiled network up to rounding.
"""

import math
from collections.abc import Callable

import torch

from ..common.axes import Axes
from ..common.wrapped_convolutions import ConvForward
from .feature_map import FeatureMap
from .tiles import Span, Tile, overhang, read, spans, tiles

TilePass = Callable[[torch.Tensor], torch.Tensor]  # (1, C, h, w) -> (1, C, h, w), each pixel by itself
NormWeights = Callable[[torch.nn.GroupNorm, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]

MULTIPLICATIONS_PER_TILE = 3e10  # about a second of one slow CPU: how long a cancelled run goes on
SCORES_PER_CHUNK = 2**24


def unpadded_convolutions(network: torch.nn.Module) -> dict[str, ConvForward]:
    """Replacements that make the convolutions of `network` take tiles with their surroundings.

    Returns attribute path -> function.
    """
    return {
        f"{name}._conv_forward": _without_padding(layer)
        for name, layer in network.named_modules()
        if isinstance(layer, torch.nn.Conv2d) and max(layer.kernel_size) > 1
    }


def _without_padding(conv: torch.nn.Conv2d) -> ConvForward:
    stride, dilation, groups = conv.stride, conv.dilation, conv.groups

    def forward(tile: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        return torch.nn.functional.conv2d(tile, weight, bias, stride, 0, dilation, groups)

    return forward


class TiledLayers:
    """The layers an image network consists of, over feature maps.

    tile_size: the longest side of a tile in pixels of the picture. norm_weights(norm, like) gives the weights of a
    norm on the device of `like`. on_tile is called after every tile with the multiplications it took; it may raise,
    to end the run. The convolutions of the network must have lost their padding (`unpadded_convolutions`).
    """

    def __init__(self, tile_size: int, axes: Axes, norm_weights: NormWeights, on_tile: Callable[[int], None]) -> None:
        self.tile_size = tile_size
        self.axes = axes
        self.norm_weights = norm_weights
        self.on_tile = on_tile

    def convolution(
        self,
        conv: torch.nn.Conv2d,
        source: FeatureMap,
        before: TilePass | None = None,
        upscale: int = 1,
        pad_after: int = 0,
        add: FeatureMap | None = None,
        shortcut: torch.nn.Module | None = None,
    ) -> FeatureMap:
        """conv(upscaled before(source)) + shortcut(add), all in one pass over the tiles.

        pad_after is the padding on the right and below that the network lays around the input by itself.
        `add` is used up: the result takes its place in memory if it fits there.
        """
        target = convolved(conv, source, upscale, pad_after, into=add)
        work = multiplications_per_cell(conv) + (multiplications_per_cell(shortcut) if shortcut else 0)
        for tile in self._tiles(target, work):
            window = _scaled(tile, lambda span: _reach(conv, span))
            result = conv(self._window(source, window, before, upscale))
            if add is not None:
                here = read(add.values, tile, self.axes).unsqueeze(0)
                result = (here if shortcut is None else shortcut(here)) + result
            target.write(tile, result[0])
            self.on_tile(tile.area * work)
        return target

    def norm(self, norm: torch.nn.GroupNorm, source: FeatureMap) -> TilePass:
        """The group norm of `source` as a pass over its tiles, with the statistics of the whole image."""
        mean, variance = source.moments.by_group(norm.num_groups)
        weight, bias = self.norm_weights(norm, source.values)
        channels = source.values.shape[0] // norm.num_groups
        scale = weight * (variance + norm.eps).rsqrt().repeat_interleave(channels)
        shift = bias - mean.repeat_interleave(channels) * scale
        scale, shift = scale.float().view(1, -1, 1, 1), shift.float().view(1, -1, 1, 1)
        return lambda tile: torch.addcmul(shift, tile.float(), scale).to(tile.dtype)

    def norm_silu(self, norm: torch.nn.GroupNorm, source: FeatureMap) -> TilePass:
        """The same, followed by SiLU."""
        normalise = self.norm(norm, source)
        return lambda tile: torch.nn.functional.silu(normalise(tile), inplace=True)

    def attention(self, query: FeatureMap, key: FeatureMap, value: FeatureMap) -> FeatureMap:
        """Every cell attends to all cells of the image, in chunks of queries. The result takes the place of `query`."""
        queries, keys, values = (map.values.flatten(1).T[None, None] for map in (query, key, value))
        cells = queries.shape[-2]
        for chunk in spans(cells, max(SCORES_PER_CHUNK // cells, 1)):
            here = queries[..., chunk.start : chunk.stop, :]
            here.copy_(torch.nn.functional.scaled_dot_product_attention(here, keys, values))
            self.on_tile(chunk.length * multiplications_per_query(key))
        return FeatureMap(query.values, query.cell)

    def _tiles(self, target: FeatureMap, work: int) -> list[Tile]:
        """Tiles for a layer that takes `work` multiplications per cell of its result."""
        swift = math.isqrt(int(MULTIPLICATIONS_PER_TILE / work))
        return list(tiles(target.height, target.width, max(min(int(self.tile_size / target.cell), swift), 1)))

    def _window(self, source: FeatureMap, window: Tile, before: TilePass | None, upscale: int) -> torch.Tensor:
        """(1, C, h, w) under `window`, given in upscaled cells. Outside the image is zero, after `before`."""
        cells = _scaled(window, lambda span: Span(span.start // upscale, -(-span.stop // upscale)))
        values = read(source.values, cells, self.axes).unsqueeze(0)
        if before is not None:
            values = before(values)
        outside = overhang(cells, source.height, source.width, self.axes)
        if any(outside):
            values = torch.nn.functional.pad(values, outside)
        if upscale == 1:
            return values
        values = torch.nn.functional.interpolate(values, scale_factor=upscale, mode="nearest")
        top, left = window.rows.start - cells.rows.start * upscale, window.columns.start - cells.columns.start * upscale
        return values[..., top : top + window.rows.length, left : left + window.columns.length]


def convolved(
    conv: torch.nn.Conv2d, source: FeatureMap, upscale: int = 1, pad_after: int = 0, into: FeatureMap | None = None
) -> FeatureMap:
    """The map, yet to be written, that `conv` makes of `source`; in the memory of `into` if it fits there."""
    kernel, stride, pad = conv.kernel_size[0], conv.stride[0], conv.padding[0]
    height, width = (
        (size * upscale + 2 * pad + pad_after - kernel) // stride + 1 for size in (source.height, source.width)
    )
    if into is not None and into.values.shape[0] >= conv.out_channels:
        values = into.values[: conv.out_channels]
    else:
        values = source.values.new_empty(conv.out_channels, height, width)
    return FeatureMap(values, source.cell * stride / upscale)


def multiplications_per_cell(conv: torch.nn.Conv2d) -> int:
    """Multiplications for one cell of a convolution's result."""
    return conv.out_channels * (conv.in_channels // conv.groups) * conv.kernel_size[0] * conv.kernel_size[1]


def multiplications_per_query(key: FeatureMap) -> int:
    """Multiplications for one cell of an attention over `key`."""
    return 2 * key.values.numel()


def _reach(conv: torch.nn.Conv2d, span: Span) -> Span:
    """The cells of its input that `span` of its result depends on."""
    kernel, stride, pad = conv.kernel_size[0], conv.stride[0], conv.padding[0]
    return Span(span.start * stride - pad, (span.stop - 1) * stride - pad + kernel)


def _scaled(tile: Tile, change: Callable[[Span], Span]) -> Tile:
    return Tile(change(tile.rows), change(tile.columns))
