"""The course of a run, in a file that grows while it trains and that a script or the editor reads.

output/training/<name>/log.jsonl has a JSON object a line:
{"step": 12, "loss": 0.1093, "lr": 0.0001, "time": 1764.2}   a step; lr and time where they are known
{"event": "begun", "step": 0, "steps": 500, ...}             the run or, from a state, its continuation after `step`
{"event": "measured", "step": 50, "fixed": 0.11, ...}        fixed, validation and transfer, as in training.measure
{"event": "saved" | "sampled" | "length", "step": 50, ...}   a LoRA that was kept, pictures, the number of steps
{"event": "ended", "step": 500, "how": "finished", ...}      finished, stopped, cancelled or failed
"""

import json
import logging
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .run_files import STATE_NAME

LOG_NAME = "log.jsonl"
MOST_LINES = 100_000  # of steps: a longer run writes the mean of several steps as one line
_COLUMNS = ("step", "loss", "lr", "time")
FLUSH_EVERY = 0.5  # seconds that the newest steps may wait in memory


class RunLog:
    """Appends to the log in `folder`. A disk that takes no more ends the log, not the training."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / LOG_NAME
        self._lines: list[str] = []
        self._waiting: list[tuple[int, float | None, float]] = []
        self._every = 1
        self._flushed = 0.0
        self._broken = False

    def begin(self, step: int, steps: int, **facts: Any) -> None:
        """Open the log for a run of `steps`, 0 where that is not known yet, that goes on after `step`."""
        self._every = max(1, -(-steps // MOST_LINES))
        self.file.parent.mkdir(parents=True, exist_ok=True)
        if step == 0:
            self.file.unlink(missing_ok=True)
        elif not self.file.exists():
            self._lines += _lines_of_state(self.file.parent, step)
        elif not self.file.read_bytes().endswith(b"\n"):  # the last line was cut by the end of its process
            self._lines.append("")
        self.event("begun", step, steps=steps, **facts)

    def event(self, kind: str, step: int, **facts: Any) -> None:
        """Write down at once that something happened after `step`."""
        self._lines.append(_line(event=kind, step=step, time=round(time.time(), 2), **facts))
        self.flush()

    def step(self, step: int, rate: float | None) -> None:
        """Note that `step` was made at the learning rate `rate`; its line waits for its loss."""
        self._waiting.append((step, rate, time.time()))

    def losses(self, losses: Sequence[float], before: int = 0) -> None:
        """Write down the noted steps whose loss is known by now; `losses` are those of the run after `before` steps."""
        known = before + len(losses)
        made = [entry for entry in self._waiting if entry[0] <= known]
        self._waiting = self._waiting[len(made) :]
        for step, rate, when in made:
            if step % self._every == 0:
                recent = losses[max(0, step - self._every - before) : step - before]
                facts = {"step": step, "loss": _short(sum(recent) / len(recent))}
                facts |= {} if rate is None else {"lr": _short(rate)}
                self._lines.append(_line(**facts, time=round(when, 3)))
        if time.monotonic() - self._flushed > FLUSH_EVERY:
            self.flush()

    def flush(self) -> None:
        """Bring what waits in memory to the disk."""
        self._flushed = time.monotonic()
        lines, self._lines = self._lines, []
        if not lines or self._broken:
            return
        try:
            with self.file.open("a", encoding="utf-8") as log:
                log.write("\n".join(lines) + "\n")
        except OSError as error:
            self._broken = True
            logging.warning("%s cannot be written any more (%s). The training goes on.", self.file, error.strerror)


def _lines_of_state(folder: Path, step: int) -> list[str]:
    """What a version that kept no log left in its state, for the beginning of one."""
    try:
        part = log_of_state(folder)
    except FileNotFoundError:
        return []
    made = [
        _line(step=number, loss=_short(loss))
        for number, loss in zip(part.steps["step"], part.steps["loss"], strict=True)
        if number is not None and loss is not None and number <= step
    ]
    return made + [_line(**event) for event in part.events if event["step"] <= step]


def _line(**facts: Any) -> str:
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"))


def _short(number: float) -> float | None:
    return float(f"{number:.6g}") if number == number and abs(number) != float("inf") else None


@dataclass
class LogPart:
    """Steps and events of a log from one byte of its file to another, in their order.

    key tells this log from another one of the same place. begin is 0 where the part replaces all that was read before.
    steps holds lists of the same length by the names step, loss, lr and time, None where a value is unknown.
    """

    begin: int
    end: int
    key: int = 0
    steps: dict[str, list[float | None]] = field(default_factory=lambda: {name: [] for name in _COLUMNS})
    events: list[dict[str, Any]] = field(default_factory=list)

    def since(self, step: int) -> "LogPart":
        """Only what came after `step`, and how the run began."""
        rows = [row for row in zip(*self.steps.values(), strict=True) if row[0] is not None and row[0] > step]
        columns: list[list[float | None]] = [list(column) for column in zip(*rows, strict=True)]
        kept = dict(zip(_COLUMNS, columns or [[] for _ in _COLUMNS], strict=True))
        events = [event for event in self.events if event["event"] == "begun" or event["step"] > step]
        return LogPart(self.begin, self.end, self.key, kept, events)


def read_log(folder: Path, after: int = 0, key: int | None = None, steps: bool = True) -> LogPart:
    """What was written after that byte of the log in `folder`, as `LogPart.end` and its `key` of an earlier look say.

    A run that went on from a state has only what led to it. Without `steps` only the last one is read, which takes a
    tenth of the time. Raises `FileNotFoundError` where there is no log.
    """
    file = folder / LOG_NAME
    size = file.stat().st_size
    with file.open("rb") as log:
        own = zlib.crc32(log.readline())  # how and when the run began
        begin = after if 0 <= after <= size and key in (None, own) else 0
        log.seek(begin)
        content = log.read()
    whole = content[: content.rfind(b"\n") + 1]
    lines = whole.splitlines()
    if not steps:
        last = next((line for line in reversed(lines) if line.startswith(b'{"step"')), b"")
        lines = [line for line in lines if line.startswith(b'{"event"') or line is last]
    records = _records(lines)
    if begin and any(record.get("event") == "begun" for record in records):
        return read_log(folder, steps=steps)
    part = LogPart(begin, begin + len(whole), own)
    for record in records:
        if record.get("event") == "begun":
            _go_back(part, record["step"])
        if "event" in record:
            part.events.append(record)
        else:
            for name, column in part.steps.items():
                column.append(record.get(name))
    return part


def _records(lines: list[bytes]) -> list[dict[str, Any]]:
    """Those that are whole; a process that was killed may have left half a line."""
    try:
        found = json.loads(b"[" + b",".join(lines) + b"]")
    except ValueError:
        found = [record for line in lines for record in _one(line)]
    return [record for record in found if isinstance(record, dict) and isinstance(record.get("step"), int)]


def _one(line: bytes) -> list[Any]:
    try:
        return [json.loads(line)]
    except ValueError:
        return []


def _go_back(part: LogPart, step: int) -> None:
    """Forget what came after `step`: it was not in the state that the run went on from."""
    keep = sum(1 for made in part.steps["step"] if made is not None and made <= step)
    for column in part.steps.values():
        del column[keep:]
    part.events = [event for event in part.events if event["event"] in ("begun", "ended") or event["step"] <= step]


def log_of_state(folder: Path) -> LogPart:
    """The course of a run of a version that kept no log, from its state. Raises `FileNotFoundError` without one."""
    from safetensors import safe_open

    with safe_open(folder / STATE_NAME, "pt") as state:
        facts = json.loads((state.metadata() or {}).get("facts", "{}"))
    losses = facts.get("losses", [])
    unknown: list[float | None] = [None] * len(losses)
    steps = {"step": list(range(1, len(losses) + 1)), "loss": losses, "lr": unknown, "time": unknown}
    measured = [
        {"event": "measured", "step": step, name: loss}
        for name in ("fixed", "validation")
        for step, loss in facts.get(name, [])
    ]
    return LogPart(0, 0, 0, steps, sorted(measured, key=lambda event: event["step"]))
