"""What a walk through a network will cost in work and memory, found by walking it without values."""

from collections.abc import Callable
from dataclasses import replace

import torch

from ..common.axes import Axes
from .feature_map import FeatureMap, OffloadedMap, StoredMap
from .memory_plan import MemoryPlan, Place
from .tiled_convolution import RecomputedMap, TiledConvolution, TilePass
from .tiled_layers import TiledLayers

MAPS_AROUND_ATTENTION = 6  # what comes in, queries, keys and values, the latter two in both layouts


class CountedLayers(TiledLayers):
    """Layers that compute nothing, but count. Feature maps are to be on the meta device.

    multiplications: all of them. held: the most bytes that maps take on the device at once. largest: the bytes of the
    largest map that was given room there.
    """

    def __init__(self, plan: MemoryPlan) -> None:
        super().__init__(torch.device("meta"), 0, Axes(False, False), norm_weights=None, on_tile=None, plan=plan)
        self.multiplications = 0
        self.held = 0
        self.largest = 0
        self.newest: StoredMap | None = None

    def norm(self, norm: torch.nn.GroupNorm, source: FeatureMap) -> TilePass:
        return lambda tile: tile

    def attention(self, query: StoredMap, key: StoredMap, value: StoredMap) -> StoredMap:
        self.multiplications += query.height * query.width * self.multiplications_per_query(key)
        self.held = max(self.held, MAPS_AROUND_ATTENTION * _bytes_on_device(query))
        return query.in_its_place(query.channels, query.cell)

    def _compute(self, work: TiledConvolution, target: FeatureMap) -> None:
        self.multiplications += target.height * target.width * work.multiplications_per_cell
        own = target if target is self.newest else None  # others are in the place of what they add
        maps = {id(kept): kept for kept in (_kept(work.source), _kept(work.add), own)}
        self.held = max(self.held, sum(_bytes_on_device(kept) for kept in maps.values()))

    def _room(self, work: TiledConvolution, place: Place) -> StoredMap:
        values = torch.empty(work.shape, dtype=work.source.dtype, device="meta")
        self.newest = (
            StoredMap(values, work.cell) if place is Place.DEVICE else OffloadedMap(values, work.cell, self.link)
        )
        self.largest = max(self.largest, _bytes_on_device(self.newest))
        return self.newest


def plan_within(
    budget: int, multiplications_per_byte: float, walk: Callable[[TiledLayers], object]
) -> tuple[MemoryPlan, int]:
    """The plan by which `walk` takes no more than `budget` bytes of the device, and its multiplications by that plan.

    As much as fits is kept there; what does not fit goes, the largest maps first.
    """
    plan = MemoryPlan(budget, multiplications_per_byte)
    while True:
        count = CountedLayers(plan)
        walk(count)
        if count.held <= plan.room_for_maps or count.largest == 0:
            return plan, count.multiplications
        plan = replace(plan, largest_map=count.largest - 1)


def _kept(values: FeatureMap | None) -> FeatureMap | None:
    """The map that `values` are read from, or computed again from."""
    while isinstance(values, RecomputedMap):
        values = values.work.source
    return values


def _bytes_on_device(kept: FeatureMap | None) -> int:
    return kept.values.nbytes if isinstance(kept, StoredMap) and not isinstance(kept, OffloadedMap) else 0
