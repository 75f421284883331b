"""Where the feature maps of a large image are kept."""

import math
from dataclasses import dataclass
from enum import Enum

TILE_SHARE = 1 / 7  # of the budget, for the tile that is worked on
READS = 2  # how often a map is read: by the layer that follows, and by the sum around a block


class Place(Enum):
    """Where a map is kept. AGAIN is nowhere: its tiles are computed anew whenever they are read."""

    DEVICE = "on the device"
    HOST = "in host memory"
    AGAIN = "computed again"


@dataclass(frozen=True)
class MemoryPlan:
    """budget: bytes of the device for everything. multiplications_per_byte: those that the device could make while a
    byte travels to or from host memory; infinite where the device has no other memory than the host's. largest_map:
    bytes of the largest map that is kept on the device.
    """

    budget: float = math.inf
    multiplications_per_byte: float = math.inf
    largest_map: float = math.inf

    @property
    def working_memory(self) -> float:
        """Bytes for the tile that is worked on."""
        return self.budget * TILE_SHARE

    @property
    def room_for_maps(self) -> float:
        """Bytes for all maps that are on the device at once."""
        return self.budget * (1 - TILE_SHARE)

    def place(self, size: int, multiplications: int, repeatable: bool) -> Place:
        """The place of a map of `size` bytes. repeatable: it could be computed again, for `multiplications`."""
        if size <= self.largest_map:
            return Place.DEVICE
        travelling = (1 + READS) * size * self.multiplications_per_byte
        return Place.AGAIN if repeatable and READS * multiplications < travelling else Place.HOST
