"""Copies of tiles between main memory and a device, for feature maps that are offloaded."""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol

import torch


class OffloadLink(Protocol):
    """Copies tiles between main memory and a device, as far as it can beside the computation."""

    def prefetch(self, values: torch.Tensor) -> Any:
        """Begin to copy `values` from main memory to the device; the result goes to `receive`."""

    def receive(self, sent: Any) -> torch.Tensor:
        """The values on the device, ready to compute with."""

    def offload(self, values: torch.Tensor, place: torch.Tensor) -> None:
        """Begin to copy `values` from the device to `place` in main memory."""

    def wait(self) -> None:
        """Return when all copies to main memory have arrived."""


def link_to(device: torch.device) -> OffloadLink:
    """The link to `device`: asynchronous for CUDA, plain copies elsewhere."""
    return CudaLink(device) if device.type == "cuda" else PlainLink(device)


def main_memory(shape: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
    """Room for a feature map in main memory."""
    return torch.empty(shape, dtype=dtype)


class PlainLink:
    """Synchronous copies."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def prefetch(self, values: torch.Tensor) -> torch.Tensor:
        return values.to(self.device)

    def receive(self, sent: torch.Tensor) -> torch.Tensor:
        return sent

    def offload(self, values: torch.Tensor, place: torch.Tensor) -> None:
        place.copy_(values)

    def wait(self) -> None:
        pass


class CudaLink:
    """Asynchronous copies on CUDA streams of their own, through two pinned buffers of a tile's size each way.

    The maps themselves stay pageable: a tile of a map is no contiguous piece of memory, so it would be copied on its
    way in any case, and gigabytes of pinned memory would be taken from the rest of the system.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.there, self.back = torch.cuda.Stream(device), torch.cuda.Stream(device)
        self.leaving, self.coming = _PinnedBuffers(), _PinnedBuffers()
        self.landing: deque[tuple[torch.Tensor, torch.cuda.Event, torch.Tensor]] = deque()

    def prefetch(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.cuda.Event]:
        buffer = self.leaving.next(values)
        buffer.copy_(values)
        with torch.cuda.stream(self.there):
            arriving = buffer.to(self.device, non_blocking=True)
            arrived = self.there.record_event()
        self.leaving.busy_until(arrived)
        return arriving, arrived

    def receive(self, sent: tuple[torch.Tensor, torch.cuda.Event]) -> torch.Tensor:
        values, arrived = sent
        working = torch.cuda.current_stream(self.device)
        working.wait_event(arrived)
        values.record_stream(working)
        return values

    def offload(self, values: torch.Tensor, place: torch.Tensor) -> None:
        if len(self.landing) == _PinnedBuffers.COUNT:
            self._land()
        buffer = self.coming.next(values)
        self.back.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self.back):
            buffer.copy_(values, non_blocking=True)
            arrived = self.back.record_event()
        values.record_stream(self.back)
        self.coming.busy_until(arrived)
        self.landing.append((buffer, arrived, place))

    def wait(self) -> None:
        while self.landing:
            self._land()

    def _land(self) -> None:
        buffer, arrived, place = self.landing.popleft()
        arrived.synchronize()
        place.copy_(buffer)


class _PinnedBuffers:
    """Pinned memory for tiles, taken in turn. One is given again when what it held has travelled."""

    COUNT = 2

    def __init__(self) -> None:
        self.memory = [torch.empty(0, dtype=torch.uint8)] * self.COUNT
        self.travelled: list[torch.cuda.Event | None] = [None] * self.COUNT
        self.turn = 0

    def next(self, like: torch.Tensor) -> torch.Tensor:
        """A contiguous buffer of the shape and type of `like`."""
        self.turn = (self.turn + 1) % self.COUNT
        travelled = self.travelled[self.turn]
        if travelled is not None:
            travelled.synchronize()
        if self.memory[self.turn].numel() < like.nbytes:
            self.memory[self.turn] = torch.empty(like.nbytes, dtype=torch.uint8, pin_memory=True)
        return self.memory[self.turn][: like.nbytes].view(like.dtype).view(like.shape)

    def busy_until(self, travelled: torch.cuda.Event) -> None:
        self.travelled[self.turn] = travelled


@cache
def macs_per_byte(device: torch.device, dtype: torch.dtype) -> float:
    """The MACs that `device` makes while a byte is copied between it and main memory, measured once.

    Infinite for a CPU, whose memory is main memory: offloading would gain nothing.
    """
    if device.type == "cpu":
        return math.inf
    side, channels = 256, 128
    tile = torch.ones(1, channels, side, side, dtype=dtype, device=device)
    weight = torch.ones(channels, channels, 3, 3, dtype=dtype, device=device)
    link, place = link_to(device), torch.empty(tile.shape, dtype=dtype)

    def travel() -> None:
        link.offload(tile, place)
        link.wait()
        link.receive(link.prefetch(place)).flatten()[0].item()

    def work() -> None:
        torch.nn.functional.conv2d(tile, weight, padding=1).flatten()[0].item()

    return (weight.numel() * side**2 / _seconds(work)) / (2 * tile.nbytes / _seconds(travel))


def _seconds(action: Callable[[], None]) -> float:
    action()  # what the first use takes is not the device's speed
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
