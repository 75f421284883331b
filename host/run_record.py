"""A run as others see it while it trains: log, sign of life, what they ask of it, and hints to the editor."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import comfy.model_management
from comfy_execution.utils import get_executing_context

from ..training.measure import loss_transfer
from ..training.run_controls import RunControls, go_on, mark_stopped
from ..training.run_log import RunLog
from ..training.run_status import CANCELLED, FAILED, FINISHED, STOPPED, Heartbeat

HINT = "tilewright.run"  # the event at which an editor fetches what is new
HINT_EVERY = 0.5  # seconds between two
Points = Sequence[tuple[int, float]]


class RunRecord:
    """Of the run in `folder`, which writes the file `lora`; node_id is the node that shows it."""

    def __init__(self, folder: Path, lora: str, node_id: str | None) -> None:
        self.folder, self.lora, self.node_id = folder, lora, node_id
        self.log = RunLog(folder)
        self.is_stopped = False
        self._at = 0
        self._hinted = 0.0

    @contextmanager
    def course(self, step: int, steps: int, **facts: Any) -> Iterator[RunControls]:
        """The block in which the run goes on from `step`. Yields what is asked of it; facts go with its beginning.

        How the block ends is written down as the end of the run.
        """
        context = get_executing_context()
        who = {"node": self.node_id, "prompt": context.prompt_id if context else ""}
        controls = RunControls(self.folder)
        go_on(self.folder)
        self.log.begin(step, steps, lora=self.lora, **who, **facts)
        how, details = FAILED, {}
        try:
            with Heartbeat(self.folder, **who):
                self.hint(step, now=True)
                yield controls
            how = STOPPED if self.is_stopped else CANCELLED if self._at < steps else FINISHED
        except comfy.model_management.InterruptProcessingException:
            how = CANCELLED
            raise
        except BaseException as error:
            details = {"text": str(error)}
            raise
        finally:
            self.log.event("ended", self._at, how=how, **details)
            self.hint(self._at, now=True)

    def stop(self, step: int) -> None:
        """The run ends with `step`, as it was asked, and stays so."""
        self.is_stopped = True
        mark_stopped(self.folder, step)

    def step(self, step: int, rate: float | None, losses: Sequence[float], before: int = 0) -> None:
        """Write down a step at the learning rate `rate`; `losses` are those after `before` steps that are known."""
        self.log.step(step, rate)
        self.log.losses(losses, before)
        self.hint(step)

    def measured(self, step: int, fixed: Points, validation: Points) -> None:
        """Write down what of these (step, loss) pairs was measured after `step`, and the loss transfer it gives."""
        newest = {"fixed": fixed, "validation": validation}
        facts = {name: points[-1][1] for name, points in newest.items() if points and points[-1][0] == step}
        share = loss_transfer(validation, fixed) if facts else None
        facts |= {} if share is None else {"transfer": share}
        if facts:
            self.log.event("measured", step, **{name: float(f"{value:.6g}") for name, value in facts.items()})

    def hint(self, step: int, now: bool = False) -> None:
        """Tell open editors that there is something new to fetch, at most twice a second unless `now`."""
        self._at = step
        moment = time.monotonic()
        if now or moment - self._hinted >= HINT_EVERY:
            self._hinted = moment
            _broadcast({"name": self.folder.name, "step": step, "node": self.node_id})


def _broadcast(hint: dict[str, Any]) -> None:
    module = sys.modules.get("server")  # there is none without ComfyUI's server
    instance = getattr(getattr(module, "PromptServer", None), "instance", None)
    if instance is not None:
        instance.send_sync(HINT, hint)
