"""Parallel work on images within a memory budget."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from ..common.freed_memory import give_back
from ..common.texture_dataset import Sample

THREADS = min(8, os.cpu_count() or 1)
PIXELS_AT_ONCE = 2**26  # one image of 8192 px, or 16 of 2048: about 1.6 GB at the peak of any work on them
LARGE = 2**22  # pixels of an image after which the memory of its strips is given back

Item = TypeVar("Item")
Result = TypeVar("Result")


class PixelBudget:
    """Lets threads work as long as the pixels of what they work on are within a limit. A larger image goes alone.

    They go in the order in which they came: a thread that is done would else take its next image before those that
    wait, and one of the first would be the last.
    """

    def __init__(self, limit: int = PIXELS_AT_ONCE) -> None:
        self._limit = self._free = limit
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()

    @contextmanager
    def spent(self, pixels: int) -> Iterator[None]:
        """Wait until `pixels` are free, and hold them while the block runs."""
        pixels, turn = min(pixels, self._limit), object()
        with self._changed:
            self._waiting.append(turn)
            self._changed.wait_for(lambda: self._waiting[0] is turn and pixels <= self._free)
            self._waiting.popleft()
            self._free -= pixels
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += pixels
                self._changed.notify_all()


def in_parallel(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    checked: Callable[[int, int], None],
    pixels: Callable[[Item], int] = lambda _: 0,
) -> list[Result]:
    """`work(item)` for every item, in their order, on `THREADS` threads and within `PIXELS_AT_ONCE`.

    `checked(done, total)` is called after each and may raise to stop: what has not begun is then left undone. `pixels`
    tells how large an item's image is.
    """
    budget = PixelBudget()

    def within_budget(item: Item) -> Result:
        with budget.spent(pixels(item)):
            try:
                return work(item)
            finally:
                if pixels(item) >= LARGE:
                    give_back()

    results = []
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            for result in pool.map(within_budget, items):
                results.append(result)
                checked(len(results), len(items))
        finally:
            pool.shutdown(cancel_futures=True)
    return results


def pixels_of(sample: Sample) -> int:
    """The pixels of a sample's image."""
    return sample.size[0] * sample.size[1]
