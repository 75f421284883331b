"""What a person, or a script, asks of a run while it trains: files beside its state that the run finds and takes away.

output/training/<name>/stop      keep what is trained and end as if this had been the last step
output/training/<name>/save      keep a LoRA of this step
output/training/<name>/sample    paint the sample prompts now
output/training/<name>/stopped.json   left by a stop: such a run stays as it is until this file is taken away
"""

import time
from pathlib import Path

from ..common.files import write_json
from ..common.untrusted_json import read_untrusted_json

STOP, SAVE, SAMPLE = "stop", "save", "sample"
ACTIONS = (STOP, SAVE, SAMPLE)
STOPPED_NAME = "stopped.json"
LOOK_EVERY = 0.2  # seconds between two looks: three of them take 10 microseconds on a disk, a network folder takes more


class RunControls:
    """What is asked of the run in `folder`. What was asked before this run began is taken away unheard."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._looked = 0.0
        for action in ACTIONS:
            (folder / action).unlink(missing_ok=True)

    def asked(self) -> frozenset[str]:
        """The actions that were asked for since the last look, each once."""
        now = time.monotonic()
        if now - self._looked < LOOK_EVERY:
            return frozenset()
        self._looked = now
        return frozenset(action for action in ACTIONS if self._take(action))

    def _take(self, action: str) -> bool:
        file = self.folder / action
        if not file.exists():
            return False
        file.unlink(missing_ok=True)
        return True


def ask(folder: Path, action: str) -> None:
    """Ask one of `ACTIONS` of the run in `folder`."""
    if action not in ACTIONS:
        raise ValueError(f"{action!r} is none of {', '.join(ACTIONS)}")
    (folder / action).touch()


def mark_stopped(folder: Path, step: int) -> None:
    """Remember that the run in `folder` was stopped after `step` and shall stay so."""
    write_json(folder / STOPPED_NAME, {"step": step})


def stopped_at(folder: Path) -> int | None:
    """The step after which a run was stopped to stay so, None for one that goes on."""
    try:
        record = read_untrusted_json(folder / STOPPED_NAME)
    except (OSError, ValueError):
        return None
    step = record.get("step") if isinstance(record, dict) else None
    return step if isinstance(step, int) else None


def go_on(folder: Path) -> None:
    """Let a stopped run go on when its graph is queued again."""
    (folder / STOPPED_NAME).unlink(missing_ok=True)
