"""Two processes that write to the same place do so one after the other."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .files import fitting_name, told_if_unwritable

ASK_EVERY = 0.25  # seconds
HIDDEN = ".tilewright"  # the folder of lock files, which no node looks into: one that is in use cannot be deleted


def lock_beside(place: Path) -> Path:
    """The lock file of a file or folder, in a hidden folder beside it."""
    return place.parent / HIDDEN / fitting_name(place.name, ".lock")


@contextmanager
def locked(lock: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock file `lock` while the block runs, after whoever holds it now has let it go.

    `waiting` is called several times a second until then and may raise to give up. The system lets go of the lock of a
    process that was killed. A thread that holds it already goes on at once.
    """
    from filelock import FileLock, Timeout

    with told_if_unwritable(lock.parent.parent):
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = FileLock(lock, is_singleton=True)
        while True:
            try:
                file.acquire(timeout=ASK_EVERY)
                break
            except Timeout:
                waiting()
    try:
        yield
    finally:
        file.release()


class Claim:
    """A lock file that is held until `release` or the end of the process; `taken` says whether it was free."""

    def __init__(self, lock: Path) -> None:
        from filelock import FileLock, Timeout

        lock.parent.mkdir(parents=True, exist_ok=True)
        self._file = FileLock(lock)
        try:
            self._file.acquire(timeout=0)
        except Timeout:
            pass

    @property
    def taken(self) -> bool:
        return self._file.is_locked

    def release(self) -> None:
        self._file.release(force=True)
