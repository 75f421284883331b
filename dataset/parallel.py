"""Work on many images at once, with few of them in memory."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

THREADS = min(8, os.cpu_count() or 1)

Item, Result = TypeVar("Item"), TypeVar("Result")


def in_parallel(
    work: Callable[[Item], Result], items: Sequence[Item], checked: Callable[[int, int], None]
) -> list[Result]:
    """`work(item)` for every item, in their order, on `THREADS` threads.

    `checked(done, total)` is called after each and may raise to stop: what has not begun is then left undone.
    """
    results = []
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            for result in pool.map(work, items):
                results.append(result)
                checked(len(results), len(items))
        finally:
            pool.shutdown(cancel_futures=True)
    return results
