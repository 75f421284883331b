import sys
import threading

import psutil
import pytest
import torch
from tilewright.common.freed_memory import give_back

BLOCK = 2**16  # bytes: small enough for the C library to keep
COUNT = 3000


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' C libraries give freed memory back themselves")
def test_what_a_thread_freed_goes_back_to_the_system():
    """Blocks below one that stays in use are kept, 200 MB of them, until they are given back."""
    done, go_on = threading.Event(), threading.Event()

    def work():
        blocks = [torch.ones(BLOCK // 4) for _ in range(COUNT)]
        last = blocks.pop()
        blocks.clear()
        done.set()
        go_on.wait(60)
        assert last[0] == 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert done.wait(60)
        before = psutil.Process().memory_info().rss
        give_back()
        given = before - psutil.Process().memory_info().rss
    finally:
        go_on.set()
        thread.join()
    assert given > 0.5 * BLOCK * COUNT
