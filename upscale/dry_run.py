"""Dry run of a network on the meta device: its MACs and peak memory by a memory plan, without computing a value."""

from collections.abc import Callable
from dataclasses import replace

import torch

from ..common.axes import Axes
from .feature_map import FeatureMap, OffloadedMap, StoredMap
from .memory_plan import MemoryPlan, Place
from .tiled_convolution import RecomputedMap, TiledConvolution, TilePass
from .tiled_layers import TiledLayers

MAPS_AROUND_ATTENTION = 6  # what comes in, queries, keys and values, the latter two in both layouts


class DryRunLayers(TiledLayers):
    """`TiledLayers` that count instead of computing, for feature maps on the meta device.

    macs: multiply-accumulates of the whole walk. held: peak bytes of feature maps on the device. largest: bytes of the
    largest map that was stored there.
    """

    def __init__(self, plan: MemoryPlan) -> None:
        super().__init__(torch.device("meta"), 0, Axes(False, False), _no_weights, on_tile=lambda macs: None, plan=plan)
        self.macs = 0
        self.held = 0
        self.largest = 0
        self.newest: StoredMap | None = None

    def norm(self, norm: torch.nn.GroupNorm, source: FeatureMap) -> TilePass:
        return lambda tile: tile

    def attention(self, query: StoredMap, key: StoredMap, value: StoredMap) -> StoredMap:
        self.macs += query.height * query.width * self.macs_per_query(key)
        self.held = max(self.held, MAPS_AROUND_ATTENTION * _bytes_on_device(query))
        return query.in_its_place(query.channels, query.cell)

    def compute(self, work: TiledConvolution, target: FeatureMap) -> None:
        self.macs += target.height * target.width * work.macs_per_cell
        own = target if target is self.newest else None  # others are in the place of what they add
        maps = {id(kept): kept for kept in (_kept(work.source), _kept(work.add), own)}
        self.held = max(self.held, sum(_bytes_on_device(kept) for kept in maps.values()))

    def room(self, work: TiledConvolution, place: Place) -> StoredMap:
        values = torch.empty(work.shape, dtype=work.source.dtype, device="meta")
        self.newest = (
            StoredMap(values, work.cell) if place is Place.DEVICE else OffloadedMap(values, work.cell, self.link)
        )
        self.largest = max(self.largest, _bytes_on_device(self.newest))
        return self.newest


def plan_within(budget: int, macs_per_byte: float, walk: Callable[[TiledLayers], object]) -> tuple[MemoryPlan, int]:
    """The memory plan by which `walk` stays within `budget` bytes of the device, and the MACs it takes by that plan.

    Maps are kept on the device as far as they fit; the largest ones are offloaded or recomputed first.
    """
    plan = MemoryPlan(budget, macs_per_byte)
    while True:
        count = DryRunLayers(plan)
        walk(count)
        if count.held <= plan.room_for_maps or count.largest == 0:
            return plan, count.macs
        plan = replace(plan, largest_map=count.largest - 1)


def _no_weights(norm: torch.nn.GroupNorm, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    raise NotImplementedError("a dry run reads no weights")


def _kept(values: FeatureMap | None) -> FeatureMap | None:
    """The stored map that `values` are read or recomputed from."""
    while isinstance(values, RecomputedMap):
        values = values.work.source
    return values


def _bytes_on_device(kept: FeatureMap | None) -> int:
    return kept.values.nbytes if isinstance(kept, StoredMap) and not isinstance(kept, OffloadedMap) else 0
