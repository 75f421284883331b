"""When a node must run again although its inputs are unchanged: its output is gone, or a file it read has changed.

ComfyUI gives a node's earlier result as long as `fingerprint_inputs` returns the same. It is asked before a run, when
nothing of the run is known, and it does not receive a linked input. So a node remembers here what it left or read.
"""

import threading
from collections.abc import Callable
from pathlib import Path

from ..training.run_controls import stopped_at

State = Callable[[], object]


class Watch:
    """The places that runs of one node left behind, with the state of each, and how often one was found changed.

    A change is counted once: the run that follows remembers the new state.
    """

    def __init__(self) -> None:
        self._known: dict[str, dict[str, tuple[State, object]]] = {}
        self._changes: dict[str, int] = {}
        self._lock = threading.Lock()

    def remember(self, key: str, place: str, state: State) -> None:
        """After a run: `state` tells how `place` is now and will tell it again. key is a widget's value, "" for a
        link."""
        with self._lock:
            self._known.setdefault(key, {})[place] = (state, state())

    def changes(self, key: str) -> int:
        """How often a place that belongs to `key` was found changed: what `fingerprint_inputs` returns."""
        with self._lock:
            known = self._known.get(key, {})
            changed = [place for place, (state, before) in known.items() if state() != before]
            for place in changed:
                del known[place]
            self._changes[key] = self._changes.get(key, 0) + len(changed)
            return self._changes[key]

    def forget(self) -> None:
        """As if nothing had run."""
        with self._lock:
            self._known.clear()
            self._changes.clear()


def all_there(files: list[Path]) -> State:
    """The state of files that were written: whether each is there."""
    return lambda: all(file.is_file() for file in files)


def run_state(file: Path, folder: Path) -> State:
    """The state of a training in `folder`: whether its `file` is there, and whether a person stopped it."""
    return lambda: (file.is_file(), stopped_at(folder))
