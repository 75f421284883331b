"""What a walk through a network will cost, found by walking it without values."""

import torch

from ..common.axes import Axes
from .convolution_geometry import multiplications_per_cell
from .feature_map import FeatureMap
from .tiled_layers import TiledLayers, TilePass


class CountedLayers(TiledLayers):
    """Layers that add up their multiplications and compute nothing. Feature maps are to be on the meta device."""

    def __init__(self) -> None:
        super().__init__(torch.device("meta"), 0, Axes(False, False), norm_weights=None, on_tile=None)
        self.multiplications = 0

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
        target = self._target(conv, source, upscale, pad_after, add)
        work = multiplications_per_cell(conv) + (multiplications_per_cell(shortcut) if shortcut else 0)
        self.multiplications += target.height * target.width * work
        return target

    def norm(self, norm: torch.nn.GroupNorm, source: FeatureMap) -> TilePass:
        return lambda tile: tile

    def attention(self, query: FeatureMap, key: FeatureMap, value: FeatureMap) -> FeatureMap:
        self.multiplications += query.height * query.width * self.multiplications_per_query(key)
        return query
