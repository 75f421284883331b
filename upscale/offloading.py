"""Feature maps in host memory, and the way from there to the device and back."""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol

import torch


class HostLink(Protocol):
    """Carries tiles between host memory and a device. Whatever is under way at once is for it to decide."""

    def send(self, values: torch.Tensor) -> Any:
        """Begin to carry `values` from host memory to the device."""

    def receive(self, sent: Any) -> torch.Tensor:
        """The values on the device, ready for the layers."""

    def bring(self, values: torch.Tensor, place: torch.Tensor) -> None:
        """Begin to carry `values` from the device to their `place` in host memory."""

    def wait(self) -> None:
        """Return when everything has arrived in host memory."""


def link_to(device: torch.device) -> HostLink:
    """The way to and from `device`."""
    return CudaLink(device) if device.type == "cuda" else PlainLink(device)


def host_memory(shape: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
    """Room for a feature map in host memory."""
    return torch.empty(shape, dtype=dtype)


class PlainLink:
    """One tile after the other."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def send(self, values: torch.Tensor) -> torch.Tensor:
        return values.to(self.device)

    def receive(self, sent: torch.Tensor) -> torch.Tensor:
        return sent

    def bring(self, values: torch.Tensor, place: torch.Tensor) -> None:
        place.copy_(values)

    def wait(self) -> None:
        pass


class CudaLink:
    """Beside the work of the device, through pinned buffers of a tile's size, two each way.

    The maps themselves stay pageable: a tile of a map is no contiguous piece of memory, so it would be copied on its
    way in any case, and gigabytes of pinned memory would be taken from the rest of the system.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.there, self.back = torch.cuda.Stream(device), torch.cuda.Stream(device)
        self.leaving, self.coming = _PinnedBuffers(), _PinnedBuffers()
        self.landing: deque[tuple[torch.Tensor, torch.cuda.Event, torch.Tensor]] = deque()

    def send(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.cuda.Event]:
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

    def bring(self, values: torch.Tensor, place: torch.Tensor) -> None:
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
        if self.travelled[self.turn] is not None:
            self.travelled[self.turn].synchronize()
        if self.memory[self.turn].numel() < like.nbytes:
            self.memory[self.turn] = torch.empty(like.nbytes, dtype=torch.uint8, pin_memory=True)
        return self.memory[self.turn][: like.nbytes].view(like.dtype).view(like.shape)

    def busy_until(self, travelled: torch.cuda.Event) -> None:
        self.travelled[self.turn] = travelled


@cache
def multiplications_per_byte(device: torch.device, dtype: torch.dtype) -> float:
    """How many multiplications `device` makes while a byte travels between it and host memory, measured once.

    Infinite for the processor, to which host memory is its own: nothing is gained by carrying values there.
    """
    if device.type == "cpu":
        return math.inf
    side, channels = 256, 128
    tile = torch.ones(1, channels, side, side, dtype=dtype, device=device)
    weight = torch.ones(channels, channels, 3, 3, dtype=dtype, device=device)
    link, place = link_to(device), torch.empty(tile.shape, dtype=dtype)

    def travel() -> None:
        link.bring(tile, place)
        link.wait()
        link.receive(link.send(place)).flatten()[0].item()

    def work() -> None:
        torch.nn.functional.conv2d(tile, weight, padding=1).flatten()[0].item()

    return (weight.numel() * side**2 / _seconds(work)) / (2 * tile.nbytes / _seconds(travel))


def _seconds(action: Callable[[], None]) -> float:
    action()  # what the first use takes is not the device's speed
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
