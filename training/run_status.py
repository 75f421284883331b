"""Whether a run is alive, judged by what it does and never by what it once said of itself.

output/training/<name>/heartbeat.json   who trains; its time of change is the last sign of life
"""

import os
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from ..common.errors import InputError
from ..common.files import write_json
from ..common.untrusted_json import read_untrusted_json
from .run_controls import stopped_at
from .run_files import SCRIPTS_RUN_NAME, STATE_NAME
from .run_log import LOG_NAME, LogPart

HEARTBEAT_NAME = "heartbeat.json"
BEAT_EVERY = 1.0  # seconds
SILENT_AFTER = 6.0  # seconds without a sign of life: a step, a sample or a disk may take some of them

TRAINING, FINISHED, STOPPED, CANCELLED, FAILED, BROKEN_OFF, UNKNOWN, LINKED = (
    "training",
    "finished",
    "stopped",
    "cancelled",
    "failed",
    "broken off",
    "unknown",
    "linked",
)


class Heartbeat:
    """A thread that shows, as long as the block lasts, that the process of a run lives. facts say who trains."""

    def __init__(self, folder: Path, **facts: Any) -> None:
        self.file, self.facts = folder / HEARTBEAT_NAME, facts
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> "Heartbeat":
        write_json(self.file, {"pid": os.getpid(), **self.facts})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self.file.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_EVERY):
            try:
                os.utime(self.file)
            except OSError:  # the folder was taken away: nobody looks for a sign there
                return


def is_run(folder: Path) -> bool:
    """Whether a training wrote into `folder`."""
    return any((folder / name).is_file() for name in (LOG_NAME, STATE_NAME, SCRIPTS_RUN_NAME))


@dataclass(frozen=True)
class RunStatus:
    """state is one of this module's words. step and steps are 0 where no log tells them; begun and ended are seconds
    since 1970. trainer is what trains; can are the actions that it takes; text says why it ended; notes are what it
    said of its images and settings when it began last."""

    state: str
    step: int = 0
    steps: int = 0
    begun: float | None = None
    ended: float | None = None
    trainer: str = ""
    lora: str = ""
    can: tuple[str, ...] = ()
    text: str = ""
    notes: tuple[str, ...] = ()


def run_status(folder: Path, part: LogPart, running: Collection[str], now: float | None = None) -> RunStatus:
    """How the run in `folder` stands, whose whole log is `part`.

    running are the prompts that this ComfyUI executes; a run of another one is known by its heartbeat alone.
    """
    begun: dict[str, Any] = next((event for event in reversed(part.events) if event["event"] == "begun"), {})
    last = part.events[-1] if part.events else {}
    made = part.steps["step"]
    facts: dict[str, Any] = {
        "step": int(made[-1] or 0) if made else int(begun.get("step", 0)),
        "steps": next((int(event["steps"]) for event in reversed(part.events) if event.get("steps")), 0),
        "begun": begun.get("time"),
        "trainer": str(begun.get("trainer", "")),
        "lora": str(begun.get("lora", "")),
        "can": tuple(begun.get("can", ())),
        "notes": _lines(begun.get("notes")),
    }
    if last.get("event") == "ended":
        stays = last.get("how") != STOPPED or stopped_at(folder) is not None
        state = str(last.get("how")) if stays else CANCELLED  # let go on, it is like one that was cancelled
        return RunStatus(state, **facts, ended=last.get("time"), text=str(last.get("text", "")))
    if not begun:
        return RunStatus(UNKNOWN, **facts)
    alive = _is_alive(folder, running, time.time() if now is None else now)
    return RunStatus(TRAINING if alive else BROKEN_OFF, **facts)


def _lines(notes: Any) -> tuple[str, ...]:
    return tuple(map(str, notes)) if isinstance(notes, list) else ()


def _is_alive(folder: Path, running: Collection[str], now: float) -> bool:
    try:
        silent = now - (folder / HEARTBEAT_NAME).stat().st_mtime
        heartbeat = read_untrusted_json(folder / HEARTBEAT_NAME)
    except (OSError, InputError):
        return False
    return silent < SILENT_AFTER or (isinstance(heartbeat, dict) and heartbeat.get("prompt") in running)
