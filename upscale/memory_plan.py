"""Where the feature maps of a large image are kept: on the device, offloaded to main memory, or recomputed."""

import math
from dataclasses import dataclass
from enum import Enum

TILE_SHARE = 1 / 7  # of the budget, for the tile that is worked on
READS = 2  # how often a map is read: by the layer that follows, and by the sum around a block


class Place(Enum):
    """Where a feature map is kept. RECOMPUTE keeps nothing: a tile is computed whenever it is read."""

    DEVICE = "on the device"
    OFFLOAD = "in main memory"
    RECOMPUTE = "computed again"


@dataclass(frozen=True)
class MemoryPlan:
    """The rule by which feature maps get their places.

    budget: bytes of the device for everything. macs_per_byte: the MACs (multiply-accumulates) that the device makes
    while a byte is copied to or from main memory; infinite for a CPU, which has no other memory. largest_map: bytes of
    the largest map that is kept on the device.
    """

    budget: float = math.inf
    macs_per_byte: float = math.inf
    largest_map: float = math.inf

    @property
    def working_memory(self) -> float:
        """Bytes for the tile that is worked on."""
        return self.budget * TILE_SHARE

    @property
    def room_for_maps(self) -> float:
        """Bytes for all maps that are on the device at once."""
        return self.budget * (1 - TILE_SHARE)

    def place(self, size: int, macs: int, repeatable: bool) -> Place:
        """The place of a map of `size` bytes. repeatable: it may be recomputed, for `macs` each time it is read."""
        if size <= self.largest_map:
            return Place.DEVICE
        travelling = (1 + READS) * size * self.macs_per_byte
        return Place.RECOMPUTE if repeatable and READS * macs < travelling else Place.OFFLOAD
