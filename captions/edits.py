"""What a person decided about captions, in a journal that only grows: nothing that was answered for is ever lost.

`edits.jsonl` holds one JSON object a line. `{"id": 7, "what": "…", "time": "…", "changes": {image: [before, after]}}`
is one step, `{"id": 8, "undo": 7}` and `{"id": 9, "redo": 7}` take it back and do it again. before and after are null
for an image as it came in, else {"caption": …, "excluded": …, "seen": the caption that came in when it was edited}.
A script may write `{"changes": {image: {"caption": "…"}}}`.
"""

import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..common.errors import InputError
from ..common.files import written_whole
from ..common.locks import lock_beside, locked
from ..common.untrusted_json import parse_untrusted_json

JOURNAL = "edits.jsonl"
LONGEST_CAPTION = 10_000  # letters
MOST_BYTES = 64 * 2**20  # of a journal; past that, its older half becomes one line that cannot be undone


@dataclass(frozen=True)
class Edit:
    """caption is None where the one that comes in holds. seen: what came in when the edit was made."""

    caption: str | None = None
    excluded: bool = False
    seen: str = ""

    @property
    def nothing(self) -> bool:
        return self.caption is None and not self.excluded

    def caption_of(self, incoming: str) -> str:
        """The caption that holds where `incoming` comes in."""
        return incoming if self.caption is None else self.caption

    def is_overtaken(self, incoming: str) -> bool:
        """Whether the caption that comes in has changed since it was edited."""
        return self.caption is not None and self.seen != incoming

    def to_json(self) -> dict[str, Any] | None:
        return None if self.nothing else {"caption": self.caption, "excluded": self.excluded, "seen": self.seen}


Changes = dict[str, tuple[Edit, Edit]]
"""image -> what held before, what holds after"""


@dataclass(frozen=True)
class Step:
    """One line of the journal that changed something."""

    number: int
    what: str
    time: str
    changes: Changes = field(repr=False)


class Journal:
    """The journal in `path`, which need not exist yet. Several threads may use it, and several processes the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._forget()

    def _forget(self) -> None:
        self._known: tuple[int, int] | None = None  # size and time of the file as it was read
        self._end = 0  # bytes of whole lines
        self._last = 0
        self._edits: dict[str, Edit] = {}
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._touched: list[tuple[int, Iterable[str]]] = []

    def edits(self) -> dict[str, Edit]:
        """What holds now, by image; images that were not edited are not in it."""
        with self._lock:
            self._refresh()
            return dict(self._edits)

    def last(self) -> int:
        """The number of the last line, 0 for none."""
        with self._lock:
            self._refresh()
            return self._last

    def steps(self) -> tuple[list[Step], list[Step]]:
        """The steps that hold, and those that were taken back and may be done again; the latest last."""
        with self._lock:
            self._refresh()
            return list(self._done), list(self._undone)

    def changed_since(self, number: int) -> dict[str, Edit]:
        """The images that lines after that number touched, as they are now."""
        with self._lock:
            self._refresh()
            keys = {key for line, touched in self._touched if line > number for key in touched}
            return {key: self._edits.get(key, Edit()) for key in keys}

    def add(self, what: str, decide: Callable[[Mapping[str, Edit]], Mapping[str, Edit]]) -> int:
        """One more step; returns its number. `decide` is given what holds and gives what shall: it may raise, and
        nobody else writes meanwhile. Nothing is written where nothing changes."""
        with self._lock, locked(lock_beside(self._path)):
            self._refresh()
            wanted = decide(self._edits)
            changes = {key: (self._edits.get(key, Edit()), edit) for key, edit in wanted.items()}
            changes = {key: pair for key, pair in changes.items() if pair[0] != pair[1]}
            if changes:
                changed = {key: [before.to_json(), after.to_json()] for key, (before, after) in changes.items()}
                self._append({"what": what, "changes": changed})
            return self._last

    def undo(self, number: int) -> int:
        """Take back the step of that number; returns the number of the new line. Raises `InputError` where it is not
        the latest that holds."""
        return self._turn("undo", number)

    def redo(self, number: int) -> int:
        """Do the step of that number again. Raises `InputError` where it is not the latest that was taken back."""
        return self._turn("redo", number)

    def _turn(self, which: str, number: int) -> int:
        with self._lock, locked(lock_beside(self._path)):
            self._refresh()
            stack = self._done if which == "undo" else self._undone
            if not stack or stack[-1].number != number:
                raise InputError(f"Another edit came between, so there is nothing to {which} here. Look at it again.")
            self._append({which: number})
            return self._last

    def _append(self, entry: dict[str, Any]) -> None:
        entry = {"id": self._last + 1, "time": datetime.now(timezone.utc).isoformat(timespec="seconds"), **entry}
        line = json.dumps(entry, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("r+b" if self._path.exists() else "w+b") as file:
            file.truncate(self._end)  # a line that a crash cut short was never answered for
            file.seek(self._end)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self._end += len(line)
        self._take(entry)
        self._known = self._state()
        if self._end > MOST_BYTES:
            self._compact()

    def _state(self) -> tuple[int, int] | None:
        try:
            state = self._path.stat()
        except FileNotFoundError:
            return None
        return state.st_size, state.st_mtime_ns

    def _refresh(self) -> None:
        state = self._state()
        if state == self._known:
            return
        self._forget()
        content = self._path.read_bytes() if state else b""
        self._end = content.rfind(b"\n") + 1
        for number, line in enumerate(content[: self._end].split(b"\n")[:-1], 1):
            if line.strip():
                try:
                    self._take(parse_untrusted_json(line.decode("utf-8", "surrogatepass")))
                except (InputError, UnicodeDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
                    self._forget()
                    raise InputError(
                        f"Line {number} of {self._path} is no edit ({error}). Put the file back from a backup, or "
                        "delete that line."
                    ) from None
        self._known = state

    def _take(self, entry: dict[str, Any]) -> None:
        number = int(entry.get("id", self._last + 1))
        if "undo" in entry:
            step = self._done.pop() if self._done and self._done[-1].number == entry["undo"] else None
            changes = {key: after_before[0] for key, after_before in step.changes.items()} if step else {}
            self._undone += [step] if step else []
        elif "redo" in entry:
            step = self._undone.pop() if self._undone and self._undone[-1].number == entry["redo"] else None
            changes = {key: pair[1] for key, pair in step.changes.items()} if step else {}
            self._done += [step] if step else []
        elif "base" in entry:
            changes = {key: _edit(value) for key, value in entry["base"].items()}
        else:
            step = Step(number, str(entry.get("what", "")), str(entry.get("time", "")), self._changes(entry["changes"]))
            changes = {key: pair[1] for key, pair in step.changes.items()}
            self._done.append(step)
            self._undone = []
        for key, edit in changes.items():
            self._edits[key] = edit
            if edit.nothing:
                del self._edits[key]
        self._touched.append((number, tuple(changes)))
        self._last = number

    def _changes(self, entry: dict[str, Any]) -> Changes:
        return {
            str(key): (_edit(value[0]), _edit(value[1]))
            if isinstance(value, list)
            else (self._edits.get(key, Edit()), _edit(value))
            for key, value in entry.items()
        }

    def _compact(self) -> None:
        """The older half of the steps become one line of what they came to; the file is replaced whole."""
        kept = self._done[len(self._done) // 2 :]
        base = dict(self._edits)
        for step in reversed(kept):
            base.update({key: pair[0] for key, pair in step.changes.items()})
        entries: list[dict[str, Any]] = [{"id": kept[0].number - 1, "base": {k: e.to_json() for k, e in base.items()}}]
        for step in kept:
            changed = {key: [before.to_json(), after.to_json()] for key, (before, after) in step.changes.items()}
            entries.append({"id": step.number, "time": step.time, "what": step.what, "changes": changed})
        with written_whole(self._path) as unfinished:
            lines = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
            unfinished.write_text(lines, encoding="utf-8", errors="surrogatepass")


def _edit(value: Any) -> Edit:
    if value is None:
        return Edit()
    caption, excluded, seen = value.get("caption"), value.get("excluded", False), value.get("seen", "")
    if not isinstance(caption, str | None) or not isinstance(excluded, bool) or not isinstance(seen, str):
        raise TypeError(f"an edit is {value!r}")
    return Edit(caption, excluded, seen)


_JOURNALS: dict[Path, Journal] = {}
_JOURNALS_LOCK = threading.Lock()


def open_journal(folder: Path) -> Journal:
    """The one journal of a folder in this process."""
    with _JOURNALS_LOCK:
        return _JOURNALS.setdefault(folder / JOURNAL, Journal(folder / JOURNAL))
