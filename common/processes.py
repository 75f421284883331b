"""Child processes with their descendants, which are ended as a whole."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import psutil  # ComfyUI requires it

_KILL_SECONDS = 10.0
_NEW_PROCESS_GROUP = 0x200  # Windows: Ctrl+C at the terminal does not reach it


class ProcessTree:
    """A child process, `process`, and all its descendants.

    With `own_session` it leads a session of its own, by which on Linux and macOS a process is still found whose parent
    has ended. On Windows that is found if `members` saw it before. May be used from several threads.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        stdin: int | None = None,
        stdout: int | IO[bytes] | None = None,
        stderr: int | None = None,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        own_session: bool = True,
    ) -> None:
        group: dict[str, Any] = (
            {"creationflags": _NEW_PROCESS_GROUP} if os.name == "nt" else {"start_new_session": True}
        )
        self._has_session = own_session and os.name != "nt"
        self._seen: set[psutil.Process] = set()
        self._lock = threading.Lock()
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=folder,
            env=None if environment is None else dict(environment),
            **(group if own_session else {}),
        )

    def members(self) -> set[psutil.Process]:
        """The running processes of the tree, the program itself included."""
        with self._lock:
            if self.process.poll() is None:
                with suppress(psutil.Error):
                    program = psutil.Process(self.process.pid)
                    self._seen.update([program, *program.children(recursive=True)])
            if self._has_session:
                self._seen.update(_in_session(self.process.pid))
            self._seen = {one for one in self._seen if _runs(one)}
            if self.process.returncode is not None and not self._seen:
                self._has_session = False  # its number may come to belong to another
            return set(self._seen)

    def end(self, grace: float = 0.0) -> None:
        """End the whole tree: ask it to terminate, and kill what is left after `grace` seconds. `process` has its exit
        code then."""
        if grace:
            _tell(psutil.Process.terminate, self.members())
            self._wait(grace)
        deadline = time.monotonic() + _KILL_SECONDS
        while (members := self.members()) and time.monotonic() < deadline:  # again for what was started meanwhile
            _tell(psutil.Process.kill, members)
            self._wait(0.5)
        with suppress(subprocess.TimeoutExpired):  # its first thread may be gone before its last
            self.process.wait(_KILL_SECONDS)

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.members() and time.monotonic() < deadline:
            time.sleep(0.01)


def _tell(what: Any, processes: set[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.Error):  # it has ended meanwhile, or is another user's
            what(process)


def _in_session(leader: int) -> set[psutil.Process]:
    found = set()
    for pid in psutil.pids():
        with suppress(psutil.Error, ProcessLookupError, PermissionError):
            if pid != leader and os.getsid(pid) == leader:
                found.add(psutil.Process(pid))
    return found


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
