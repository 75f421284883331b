"""The layers of an image network, run tile by tile with the exact halo that each of them needs.

Between two layers lies the feature map of the whole image. So a tile never sees a border that the image does not have,
group norms use the statistics of the whole image, and the result is that of the untiled network up to rounding.
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
from .offloading import link_to, main_memory
from .tiled_convolution import RecomputedMap, TiledConvolution, TilePass
from .tiles import Span, Tile, spans, tiles

NormWeights = Callable[[torch.nn.GroupNorm, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]

MACS_PER_TILE = 3e10  # about a second of one slow CPU: how long a cancelled run goes on
SCORES_PER_CHUNK = 2**24
VALUES_IN_CACHE = 2**22  # of a tile; on a CPU, larger ones take half as long again
SMALLEST_SIDE = 16  # cells; a budget that allows no more is not kept
COPIES = 4  # a tile's values exist about four times while it is worked on, counted in float32


class TiledLayers:
    """Convolution, group norm and attention over feature maps.

    device: where the network is. tile_size: the longest side of a tile in pixels of the picture. axes: those along
    which the image wraps. norm_weights(norm, like) gives weight and bias of a norm on the device of `like`. on_tile is
    called after every tile with the MACs it took; it may raise, to end the run. plan: where maps are kept.
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

    def convolution(self, work: TiledConvolution) -> FeatureMap:
        """The output of `work`. `work.add` is used up: the output reuses its memory if it fits there."""
        place = self._place(work, stored=False)
        recomputed = RecomputedMap(work) if place is Place.RECOMPUTE else None
        target = self._in_place_of_add(work) or recomputed or self.room(work, place)
        self.compute(work, target)
        return target

    def stored_convolution(self, work: TiledConvolution) -> StoredMap:
        """The same, stored in memory whatever the plan."""
        target = self._in_place_of_add(work) or self.room(work, self._place(work, stored=True))
        self.compute(work, target)
        return target

    def norm(self, norm: torch.nn.GroupNorm, source: FeatureMap) -> TilePass:
        """The group norm of `source` as a function of its tiles, with the statistics of the whole image."""
        assert source.moments is not None, "a map is complete before it is read"
        mean, variance = source.moments.by_group(norm.num_groups)
        like = torch.empty(0, dtype=source.dtype, device=self.device)
        weight, bias = (weights.cpu().double() for weights in self.norm_weights(norm, like))
        channels = source.channels // norm.num_groups
        scale = weight * (variance + norm.eps).rsqrt().repeat_interleave(channels)
        shift = bias - mean.repeat_interleave(channels) * scale
        scale, shift = (values.float().view(1, -1, 1, 1).to(self.device) for values in (scale, shift))
        return lambda tile: torch.addcmul(shift, tile.float(), scale).to(tile.dtype)

    def norm_silu(self, norm: torch.nn.GroupNorm, source: FeatureMap) -> TilePass:
        """The same followed by SiLU."""
        normalise = self.norm(norm, source)
        return lambda tile: torch.nn.functional.silu(normalise(tile), inplace=True)

    def attention(self, query: StoredMap, key: StoredMap, value: StoredMap) -> StoredMap:
        """Self-attention over all cells of the image, in chunks of queries. The result reuses the memory of `query`."""
        queries, keys, values = (part.values.flatten(1).T for part in (query, key, value))
        if not isinstance(key, OffloadedMap):
            # Fused attention takes only cells whose channels lie side by side; others it would copy for every chunk.
            keys, values = keys.contiguous(), values.contiguous()
        for chunk in self.query_chunks(query, key):
            here = queries[chunk.start : chunk.stop]
            here.copy_(self._attended(here.to(self.device).contiguous(), keys, values, key))
            self.on_tile(chunk.length * self.macs_per_query(key))
        return query.in_its_place(query.channels, query.cell)

    @staticmethod
    def macs_per_query(key: FeatureMap) -> int:
        """MACs for one cell of an attention over `key`."""
        return 2 * key.channels * key.height * key.width

    def query_chunks(self, query: StoredMap, key: StoredMap) -> list[Span]:
        """Spans of the query's cells whose scores over `key` fit in the plan's working memory."""
        cells, scores = key.height * key.width, min(SCORES_PER_CHUNK, self.plan.working_memory / COPIES / 4)
        length = math.isqrt(int(scores)) if isinstance(key, OffloadedMap) else int(scores / cells)
        return spans(query.height * query.width, max(length, 1))

    def _attended(
        self, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, key: StoredMap
    ) -> torch.Tensor:
        """The attention of `queries` to all `keys`, those of the map `key`: (N, C) of each."""
        if not isinstance(key, OffloadedMap):
            # (1, 1, N, C): without a dimension for heads torch takes no fused kernel and holds all scores at once.
            queries, keys, values = queries[None, None], keys[None, None], values[None, None]
            return torch.nn.functional.scaled_dot_product_attention(queries, keys, values)[0, 0]
        places = (slice(chunk.start, chunk.stop) for chunk in self.query_chunks(key, key))
        return attend(queries, ((keys[place].to(self.device), values[place].to(self.device)) for place in places))

    def compute(self, work: TiledConvolution, target: FeatureMap) -> None:
        """Write the output of `work` to `target`, tile by tile; the next tile is read while one is computed."""
        pieces = self.tiles_of(work, target)
        moments = TileMoments(len(pieces), target.channels, self.device)
        for tile, begun in _one_ahead(pieces, lambda tile: work.begin(tile, self.axes)):
            values = work.finish(tile, self.axes, begun)[0]
            target.write(tile, values)
            moments.add(values)
            self.on_tile(tile.area * work.macs_per_cell)
        target.complete(moments.merged())

    def _in_place_of_add(self, work: TiledConvolution) -> StoredMap | None:
        """A map in the memory of what `work` adds, if the output fits there and nobody reads that again."""
        add, reread = work.add, isinstance(work.source, RecomputedMap) and work.source.work.source is work.add
        if isinstance(add, StoredMap) and add.channels >= work.conv.out_channels and not reread:
            return add.in_its_place(work.conv.out_channels, work.cell)
        return None

    def room(self, work: TiledConvolution, place: Place) -> StoredMap:
        """Memory for the output of `work`, on the device or offloaded."""
        dtype = work.source.dtype
        if place is Place.OFFLOAD:
            return OffloadedMap(main_memory(work.shape, dtype), work.cell, self.link)
        return StoredMap(torch.empty(work.shape, dtype=dtype, device=self.device), work.cell)

    def _place(self, work: TiledConvolution, stored: bool) -> Place:
        values = math.prod(work.shape)
        macs = work.macs_per_cell * work.shape[1] * work.shape[2]
        # Only what is larger than its source: keeping that instead has to be worth it. And not from a source that is
        # recomputed itself: that would cost four times as much.
        source = work.source if isinstance(work.source, StoredMap) else None
        repeatable = not stored and work.add is None and source is not None and source.values.numel() < values
        return self.plan.place(values * work.source.dtype.itemsize, macs, repeatable)

    def tiles_of(self, work: TiledConvolution, target: FeatureMap) -> Sequence[Tile]:
        """Tiles of `target` no larger than `tile_size`, the cache, the working memory and a second's work allow."""
        values = min(VALUES_IN_CACHE if self.device.type == "cpu" else math.inf, self.plan.working_memory / COPIES / 4)
        cells = min(MACS_PER_TILE / work.macs_per_cell, values / work.values_per_cell)
        side = min(self.tile_size / target.cell, max(cells**0.5, SMALLEST_SIDE))
        return list(tiles(target.height, target.width, max(int(side), 1)))


def _one_ahead(tiles: Sequence[Tile], begin: Callable[[Tile], Any]) -> Iterator[tuple[Tile, Any]]:
    """Each tile with what `begin` gave for it, which has begun before the tile before it is worked on."""
    begun = begin(tiles[0])
    for tile, following in zip(tiles, tiles[1:], strict=False):
        here, begun = begun, begin(following)
        yield tile, here
    yield tiles[-1], begun
