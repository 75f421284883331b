"""Layers of an image network run tile by tile, each with exactly the surroundings it sees in the whole image.

A whole map of values lies between two layers. So a tile never sees an edge that the image does not have, group norms
use the statistics of the whole image, and the result is that of the untiled network up to rounding.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from ..common.axes import Axes
from .chunked_attention import attend
from .feature_map import FeatureMap, OffloadedMap, StoredMap
from .memory_plan import MemoryPlan, Place
from .moments import TileMoments
from .offloading import host_memory, link_to
from .tiled_convolution import RecomputedMap, TiledConvolution, TilePass
from .tiles import Span, Tile, spans, tiles

NormWeights = Callable[[torch.nn.GroupNorm, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]

MULTIPLICATIONS_PER_TILE = 3e10  # about a second of one slow CPU: how long a cancelled run goes on
SCORES_PER_CHUNK = 2**24
VALUES_IN_CACHE = 2**22  # of a tile; on a CPU, larger ones take half as long again
SMALLEST_SIDE = 16  # cells; a budget that allows no more is not kept
COPIES = 4  # a tile's values exist about four times while it is worked on, counted in float32


class TiledLayers:
    """The layers an image network consists of, over feature maps.

    device: where the network is. tile_size: the longest side of a tile in pixels of the picture.
    norm_weights(norm, like) gives the weights of a norm on the device of `like`. on_tile is called after every tile
    with the multiplications it took; it may raise, to end the run. plan says where maps are kept.
    """

    def __init__(
        self,
        device: torch.device,
        tile_size: int,
        axes: Axes,
        norm_weights: NormWeights,
        on_tile: Callable[[int], None],
        plan: MemoryPlan,
    ) -> None:
        self.device = device
        self.tile_size = tile_size
        self.axes = axes
        self.norm_weights = norm_weights
        self.on_tile = on_tile
        self.plan = plan
        self.link = link_to(device)

    def convolution(
        self,
        conv: torch.nn.Conv2d,
        source: FeatureMap,
        before: TilePass | None = None,
        after: TilePass | None = None,
        doubled: bool = False,
        pad_after: int = 0,
        add: FeatureMap | None = None,
        shortcut: torch.nn.Module | None = None,
        kept: bool = False,
    ) -> FeatureMap:
        """The result of a `TiledConvolution`, as a `StoredMap` if it has to be `kept`.

        `add` is used up: the result takes its place in memory if it fits there.
        """
        work = TiledConvolution(conv, source, self.axes, before, after, doubled, pad_after, add, shortcut)
        target = self._target(work, kept)
        self._compute(work, target)
        return target

    def norm(self, norm: torch.nn.GroupNorm, source: FeatureMap) -> TilePass:
        """The group norm of `source` as a pass over its tiles, with the statistics of the whole image."""
        mean, variance = source.moments.by_group(norm.num_groups)
        like = torch.empty(0, dtype=source.dtype, device=self.device)
        weight, bias = (weights.cpu().double() for weights in self.norm_weights(norm, like))
        channels = source.channels // norm.num_groups
        scale = weight * (variance + norm.eps).rsqrt().repeat_interleave(channels)
        shift = bias - mean.repeat_interleave(channels) * scale
        scale, shift = (values.float().view(1, -1, 1, 1).to(self.device) for values in (scale, shift))
        return lambda tile: torch.addcmul(shift, tile.float(), scale).to(tile.dtype)

    def norm_silu(self, norm: torch.nn.GroupNorm, source: FeatureMap) -> TilePass:
        """The same, followed by SiLU."""
        normalise = self.norm(norm, source)
        return lambda tile: torch.nn.functional.silu(normalise(tile), inplace=True)

    def attention(self, query: StoredMap, key: StoredMap, value: StoredMap) -> StoredMap:
        """Every cell attends to all cells of the image, in chunks of queries. The result takes the place of `query`."""
        queries, keys, values = (map.values.flatten(1).T for map in (query, key, value))
        if not isinstance(key, OffloadedMap):
            # Fused attention takes only cells whose channels lie side by side; others it would copy for every chunk.
            keys, values = keys.contiguous(), values.contiguous()
        for chunk in self._chunks(query, key):
            here = queries[chunk.start : chunk.stop]
            here.copy_(self._attended(here.to(self.device).contiguous(), keys, values, key))
            self.on_tile(chunk.length * self.multiplications_per_query(key))
        return query.in_its_place(query.channels, query.cell)

    @staticmethod
    def multiplications_per_query(key: FeatureMap) -> int:
        """Multiplications for one cell of an attention over `key`."""
        return 2 * key.channels * key.height * key.width

    def _chunks(self, query: StoredMap, key: StoredMap) -> list[Span]:
        cells, scores = key.height * key.width, min(SCORES_PER_CHUNK, self.plan.working_memory / COPIES / 4)
        length = math.isqrt(int(scores)) if isinstance(key, OffloadedMap) else int(scores / cells)
        return spans(query.height * query.width, max(length, 1))

    def _attended(
        self, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, key: StoredMap
    ) -> torch.Tensor:
        """The attention of `queries` to all `keys`, those of the map `key`: (N, C) of each."""
        if not isinstance(key, OffloadedMap):
            given = (part[None, None] for part in (queries, keys, values))
            return torch.nn.functional.scaled_dot_product_attention(*given)[0, 0]
        places = (slice(chunk.start, chunk.stop) for chunk in self._chunks(key, key))
        return attend(queries, ([part[place].to(self.device) for part in (keys, values)] for place in places))

    def _compute(self, work: TiledConvolution, target: FeatureMap) -> None:
        pieces = self._tiles(work, target)
        moments = TileMoments(len(pieces), target.channels, self.device)
        for tile, begun in _one_ahead(pieces, work.begin):
            values = work.finish(tile, begun)[0]
            target.take(tile, values)
            moments.add(values)
            self.on_tile(tile.area * work.multiplications_per_cell)
        target.complete(moments.merged())

    def _target(self, work: TiledConvolution, kept: bool) -> FeatureMap:
        """The map, yet to be taken, for the result of `work`; in the memory of what it adds if it fits there."""
        add, reread = work.add, isinstance(work.source, RecomputedMap) and work.source.work.source is work.add
        if isinstance(add, StoredMap) and add.channels >= work.conv.out_channels and not reread:
            return add.in_its_place(work.conv.out_channels, work.cell)
        place = self._place(work, kept)
        return RecomputedMap(work) if place is Place.AGAIN else self._room(work, place)

    def _room(self, work: TiledConvolution, place: Place) -> StoredMap:
        dtype = work.source.dtype
        if place is Place.HOST:
            return OffloadedMap(host_memory(work.shape, dtype), work.cell, self.link)
        return StoredMap(torch.empty(work.shape, dtype=dtype, device=self.device), work.cell)

    def _place(self, work: TiledConvolution, kept: bool) -> Place:
        values = math.prod(work.shape)
        multiplications = work.multiplications_per_cell * work.shape[1] * work.shape[2]
        # Only what is larger than its source: to keep that instead has to be worth it. And not from what is computed
        # again itself: that would cost four times as much.
        source = work.source if isinstance(work.source, StoredMap) else None
        repeatable = not kept and work.add is None and source is not None and source.values.numel() < values
        return self.plan.place(values * work.source.dtype.itemsize, multiplications, repeatable)

    def _tiles(self, work: TiledConvolution, target: FeatureMap) -> Sequence[Tile]:
        values = min(VALUES_IN_CACHE if self.device.type == "cpu" else math.inf, self.plan.working_memory / COPIES / 4)
        cells = min(MULTIPLICATIONS_PER_TILE / work.multiplications_per_cell, values / work.values_per_cell)
        side = min(self.tile_size / target.cell, max(cells**0.5, SMALLEST_SIDE))
        return list(tiles(target.height, target.width, max(int(side), 1)))


def _one_ahead(tiles: Sequence[Tile], begin: Callable[[Tile], Any]) -> Iterator[tuple[Tile, Any]]:
    """Each tile with what `begin` gave for it, which has begun before the tile before it is worked on."""
    begun = begin(tiles[0])
    for tile, following in zip(tiles, tiles[1:], strict=False):
        here, begun = begun, begin(following)
        yield tile, here
    yield tiles[-1], begun
