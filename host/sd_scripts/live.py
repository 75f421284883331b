"""What a node shows while sd-scripts trains: a line of text, and the log of the run."""

import time
from typing import Any

import comfy.utils

from ...sd_scripts.output import ScriptOutput
from ...sd_scripts.run_folder import Leg, RunFolder
from ...training.pace import pace
from ...training.sample_files import sample_files
from ..node_text import tell_node
from ..run_record import RunRecord


class KohyaView:
    """Tells the node how the script is getting on with a leg of its run."""

    def __init__(self, run: RunFolder, leg: Leg, node_id: str | None, record: RunRecord) -> None:
        self.run, self.leg, self.node_id, self.record = run, leg, node_id, record
        self.recorded = leg.start
        self.seen: set[tuple[str, int]] = {("saved", step) for step in run.saved}
        self.bar: comfy.utils.ProgressBar | None = None
        self.shown: tuple[int, float | None, int] = (-1, None, 0)
        self.waited = ""
        self.began = time.monotonic()

    def say(self, text: str) -> None:
        """Show a line in the node."""
        tell_node(self.node_id, text)

    def show(self, reading: ScriptOutput) -> None:
        """Show what is new since the last call."""
        if not reading.total:
            return self._wait(reading)
        samples = self.run.samples()
        news = (reading.step, reading.average, len(samples))  # a step's loss is known after the step
        if news == self.shown:
            return
        if reading.step == 0:
            self.began = time.monotonic()
        end = self.leg.end_of(reading.total)
        self._record(reading, end)
        self.bar = self.bar or comfy.utils.ProgressBar(end, node_id=self.node_id)
        self.bar.update_absolute(self.leg.start + reading.step)
        self.say(self._line(reading, time.monotonic() - self.began))
        self.shown = news

    def _record(self, reading: ScriptOutput, end: int) -> None:
        """Write down what is new: steps with their running mean, validation, what was saved and painted."""
        start, log = self.leg.start, self.record.log
        self._once("length", self.leg.start, steps=end)
        for step in range(self.recorded + 1, start + len(reading.losses) + 1):
            self.record.step(step, None, reading.losses, start)
            self.recorded = step
        log.losses(reading.losses, start)
        for step, loss in reading.validation:
            self._once("measured", start + step, validation=loss)
        for step, file in self.run.saved.items():
            self._once("saved", step, file=file.name)
        for sample in sample_files(self.run.folder):
            self._once("sampled", sample.step)

    def _once(self, kind: str, step: int, **facts: Any) -> None:
        if (kind, step) not in self.seen:
            self.seen.add((kind, step))
            self.record.log.event(kind, step, **facts)

    def _wait(self, reading: ScriptOutput) -> None:
        """Before the first step, which is half a minute in: what the script is at, and for how long."""
        words = f"starting · {time.monotonic() - self.began:.0f} s"
        words += f" · {reading.doing}" if reading.doing else ""
        if words != self.waited:
            self.say(words)
        self.waited = words

    def _line(self, reading: ScriptOutput, seconds: float) -> str:
        step, end = self.leg.start + reading.step, self.leg.end_of(reading.total)
        parts = [f"step {step}/{end}"]
        if reading.step and seconds > 0:
            parts += pace(max(0, end - step), reading.step / seconds)
        if reading.average is not None:
            parts.append(f"mean loss {reading.average:.4f}")
        if reading.validation:
            parts.append(f"validation {reading.validation[-1][1]:.4f}")
        return " · ".join(parts)
