"""Two processes that write to the same place do so one after the other."""

import errno
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .files import fitting_name, told_if_unwritable

if TYPE_CHECKING:
    from filelock import BaseFileLock

ASK_EVERY = 0.25  # seconds
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS)
_WARNED: set[Path] = set()
HIDDEN = ".tilewright"  # the folder of lock files, which no node looks into: one that is in use cannot be deleted


def lock_beside(place: Path) -> Path:
    """The lock file of a file or folder, in a hidden folder beside it."""
    return place.parent / HIDDEN / fitting_name(place.name, ".lock")


@contextmanager
def locked(lock: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock file `lock` while the block runs, after whoever holds it now has let it go.

    `waiting` is called several times a second until then and may raise to give up. The system lets go of the lock of a
    process that was killed. A thread that holds it already goes on at once. Where the file system knows no locks, as
    some network drives, the block runs without, and the log says so.
    """
    from filelock import FileLock, Timeout

    with told_if_unwritable(lock.parent.parent):
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = FileLock(lock, is_singleton=True)
        while True:
            try:
                held = _acquired(file, ASK_EVERY, lock)
                break
            except Timeout:
                waiting()
    try:
        yield
    finally:
        if held:
            file.release()


class Claim:
    """A lock file that is held until `release` or the end of the process; `taken` says whether it was free."""

    def __init__(self, lock: Path) -> None:
        from filelock import FileLock, Timeout

        lock.parent.mkdir(parents=True, exist_ok=True)
        self._file = FileLock(lock)
        try:
            self._unlocked = not _acquired(self._file, 0, lock)
        except Timeout:
            self._unlocked = False

    @property
    def taken(self) -> bool:
        return self._file.is_locked or self._unlocked

    def release(self) -> None:
        self._file.release(force=True)
        self._unlocked = False


def _acquired(file: "BaseFileLock", timeout: float, lock: Path) -> bool:
    """Lock a file; False where its file system knows no locks. Raises filelock's `Timeout` where another holds it."""
    from filelock import Timeout

    try:
        file.acquire(timeout=timeout)
    except Timeout:  # which is an OSError, too
        raise
    except (OSError, NotImplementedError) as error:
        if not _says_no_locks(error, lock):
            raise
        return False
    return True


def _says_no_locks(error: Exception, lock: Path) -> bool:
    """Whether a file system knows no locks; the log says so once for each folder."""
    if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
        return False
    if lock.parent not in _WARNED:
        _WARNED.add(lock.parent)
        logging.warning("%s cannot be locked (%s). Let no two ComfyUIs write there.", lock.parent.parent, error)
    return True
