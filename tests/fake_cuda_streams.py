"""A stand-in for CUDA streams on a machine without one: what is carried between memories arrives as late as it may.

The layers themselves run on the processor, at once. A copy that does not block happens only when somebody waits for
it, and from a tensor that nobody held until then it copies NaN. So code that reads too early, gives a buffer away while
it travels, or frees what a stream still reads, gets a wrong result here; on a device it would now and then.
"""

import weakref
from collections import deque
from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode


class Event:
    def __init__(self, stream):
        self.stream, self.number = stream, stream.begun

    def synchronize(self):
        self.stream.run_until(self.number)


class Stream:
    current = None

    def __init__(self, device=None):
        self.waiting, self.begun, self.done = deque(), 0, 0
        self.kept_alive = []

    def begin(self, copy):
        self.waiting.append(copy)
        self.begun += 1

    def run_until(self, number):
        while self.done < number:
            self.waiting.popleft()()
            self.done += 1

    def record_event(self):
        return Event(self)

    def wait_event(self, event):
        event.synchronize()

    def wait_stream(self, other):
        other.run_until(other.begun)


class LateCopies(TorchFunctionMode):
    """While it is entered, copies with `non_blocking` wait in the current stream."""

    def __torch_function__(self, function, types, arguments=(), options=None):
        options = dict(options or {})
        if function is torch.empty:
            options.pop("pin_memory", None)
        late = options.pop("non_blocking", False) and Stream.current is not None
        if late and function is torch.Tensor.to:
            source = arguments[0]
            arriving = torch.full_like(source, torch.nan)
            Stream.current.begin(lambda: arriving.copy_(source))
            return arriving
        if late and function is torch.Tensor.copy_:
            target, source = arguments[0], weakref.ref(arguments[1])
            Stream.current.begin(lambda: target.fill_(torch.nan) if source() is None else target.copy_(source()))
            return target
        return function(*arguments, **options)


@contextmanager
def current(stream):
    before, Stream.current = Stream.current, stream
    yield
    Stream.current = before


@contextmanager
def late_streams(monkeypatch):
    """torch.cuda's streams replaced by late ones."""
    working = Stream()
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", current)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device=None: working)
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda values, stream: stream.kept_alive.append(values))
    with LateCopies():
        yield
