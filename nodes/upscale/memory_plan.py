"""Where the feature maps of a large image are kept."""

import math
from dataclasses import dataclass
from enum import Enum

MAPS_AT_ONCE = 6  # around the attention: what comes in, queries, keys and values, the latter two in both layouts
READS = 2  # how often a map is read: by the layer that follows, and by the sum around a block


class Place(Enum):
    """Where a map is kept. AGAIN is nowhere: its tiles are computed anew whenever they are read."""

    DEVICE = "on the device"
    HOST = "in host memory"
    AGAIN = "computed again"


@dataclass(frozen=True)
class MemoryPlan:
    """budget: bytes of the device for everything. multiplications_per_byte: those that the device could make while a
    byte travels to or from host memory; infinite where the device has no other memory than the host's.
    """

    budget: float = math.inf
    multiplications_per_byte: float = math.inf

    @property
    def largest_map(self) -> float:
        """Bytes of the largest map that is kept on the device."""
        return self.budget / (MAPS_AT_ONCE + 1)

    @property
    def working_memory(self) -> float:
        """Bytes for the tile that is worked on."""
        return self.budget / (MAPS_AT_ONCE + 1)

    def place(self, size: int, multiplications: int, repeatable: bool) -> Place:
        """The place of a map of `size` bytes. repeatable: it could be computed again, for `multiplications`."""
        if size <= self.largest_map:
            return Place.DEVICE
        travelling = (1 + READS) * size * self.multiplications_per_byte
        return Place.AGAIN if repeatable and READS * multiplications < travelling else Place.HOST
