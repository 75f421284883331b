"""What a walk through a network will cost, found by walking it without values."""

import torch

from ..common.axes import Axes
from .feature_map import FeatureMap, StoredMap
from .memory_plan import MemoryPlan, Place
from .tiled_convolution import RecomputedMap, TiledConvolution, TilePass
from .tiled_layers import TiledLayers


class CountedLayers(TiledLayers):
    """Layers that add up their multiplications and compute nothing. Feature maps are to be on the meta device."""

    def __init__(self, plan: MemoryPlan) -> None:
        super().__init__(torch.device("meta"), 0, Axes(False, False), norm_weights=None, on_tile=None, plan=plan)
        self.multiplications = 0

    def norm(self, norm: torch.nn.GroupNorm, source: FeatureMap) -> TilePass:
        return lambda tile: tile

    def attention(self, query: StoredMap, key: StoredMap, value: StoredMap) -> StoredMap:
        self.multiplications += query.height * query.width * self.multiplications_per_query(key)
        return query

    def _compute(self, work: TiledConvolution, target: FeatureMap) -> None:
        self.multiplications += target.height * target.width * work.multiplications_per_cell

    def _target(self, work: TiledConvolution, kept: bool) -> FeatureMap:
        if self._place(work, kept) is Place.AGAIN:
            return RecomputedMap(work)
        return StoredMap(torch.empty(work.shape, dtype=work.source.dtype, device="meta"), work.cell)
