import threading
import time

import pytest
from tilewright.dataset import parallel
from tilewright.dataset.parallel import PixelBudget, in_parallel


def test_results_come_in_the_order_of_the_items():
    seen = []
    assert in_parallel(lambda n: n * n, range(20), lambda done, total: seen.append((done, total))) == [
        n * n for n in range(20)
    ]
    assert seen == [(n, 20) for n in range(1, 21)]


def test_what_is_worked_on_at_once_stays_within_the_budget(monkeypatch):
    monkeypatch.setattr(parallel, "PIXELS_AT_ONCE", 100)
    now, most, lock = [], [], threading.Lock()

    def work(pixels):
        with lock:
            now.append(pixels)
            most.append(sum(now))
        threading.Event().wait(0.005)
        with lock:
            now.remove(pixels)

    monkeypatch.setattr(parallel, "PixelBudget", lambda: PixelBudget(100))
    in_parallel(work, [40, 60, 70, 30, 500, 20] * 3, lambda *_: None, lambda pixels: pixels)
    assert max(sum_ for sum_ in most if sum_ != 500) <= 100  # and what is larger than all goes alone


def test_large_images_are_told_one_after_the_other(monkeypatch):
    """Each fills the budget: those that wait go before the next of a thread that is done, or little is told."""
    monkeypatch.setattr(parallel, "THREADS", 4)
    monkeypatch.setattr(parallel, "PixelBudget", lambda: PixelBudget(100))
    begun, told = [], []

    def work(item):
        begun.append(item)
        time.sleep(0.005)

    in_parallel(work, range(40), lambda done, _: told.append(len(begun) - done), lambda _: 100)
    assert max(abs(place - item) for place, item in enumerate(begun)) <= 4
    assert max(told) <= 8  # begun and not told yet


def test_a_stop_leaves_the_rest_undone():
    begun, released = [], threading.Event()

    def work(item):
        begun.append(item)
        if item:  # all but the first wait for the stop
            released.wait()

    def stop(done, total):
        threading.Timer(0.2, released.set).start()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        in_parallel(work, range(1000), stop)
    assert len(begun) <= 1 + parallel.THREADS
