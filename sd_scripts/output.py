"""What sd-scripts prints while it trains, line by line."""

import math
import re
from collections import deque
from dataclasses import dataclass, field

KEPT_LINES = 200
_STEP = re.compile(r"^steps:\s+\d+%.*?\|\s*(\d+)/(\d+) \[(?:.*?\b(?:avr_)?loss=([\d.e+-]+|nan|-?inf))?")
_LOG_MARGINS = re.compile(r"^[\d: -]*(INFO|WARNING) +|\s+\w+\.py:\d+\s*$")
_WORDS_SHOWN = 60
_VALIDATION = re.compile(r"^validation steps:\s+100%.*?val_avg_loss=([\d.e+-]+)")
_FACTS = {
    "batches": re.compile(r"num batches per epoch.*?: (\d+)"),
    "accumulation": re.compile(r"gradient accumulation steps.*?= (\d+)"),
    "total": re.compile(r"total optimization steps.*?: (\d+)"),
}


def has_text(line: str) -> bool:
    """Whether a line carries text: not an empty one, a progress bar, or the marks under a line of a traceback."""
    return bool(line.strip(" ^~")) and not re.search(r"\d+%\|", line)


@dataclass
class ScriptOutput:
    """What sd-scripts has printed so far.

    step and total count this process's steps, which for a resumed run are those still to do. average is the loss as
    the script tells it: a running mean, or for textual inversion that of the step. losses has it for each step,
    validation pairs of step and loss.
    """

    step: int = 0
    total: int = 0
    average: float | None = None
    losses: list[float] = field(default_factory=list)
    validation: list[tuple[int, float]] = field(default_factory=list)
    batches: int = 0
    accumulation: int = 1
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))

    @property
    def steps_per_epoch(self) -> int:
        """Steps in a pass over the set, 0 until it is known."""
        return math.ceil(self.batches / self.accumulation)

    @property
    def diverged(self) -> bool:
        """Whether the loss is not finite any more."""
        return self.average is not None and not math.isfinite(self.average)

    @property
    def doing(self) -> str:
        """The last line the script printed, without time, source location and the Japanese translation."""
        said = next((line for line in reversed(self.last_lines) if has_text(line)), "")
        return _LOG_MARGINS.sub("", said).split(" / ")[0].strip()[:_WORDS_SHOWN]

    def read(self, line: str) -> None:
        """Take in one line."""
        self.last_lines.append(line)
        if found := _STEP.match(line):
            self._read_step(int(found[1]), int(found[2]), found[3])
        elif found := _VALIDATION.match(line):
            self.validation.append((self.step, float(found[1])))
        else:
            for name, pattern in _FACTS.items():
                if found := pattern.search(line):
                    setattr(self, name, int(found[1]))

    def _read_step(self, step: int, total: int, average: str | None) -> None:
        self.step, self.total = step, total
        if average is None or step == 0:
            return
        self.average = float(average)
        missed = step - len(self.losses)  # a fast step's frame may never be drawn
        if missed > 0:
            self.losses += [self.average] * missed
        else:
            self.losses[step - 1] = self.average
