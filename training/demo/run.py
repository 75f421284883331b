"""What the two stages of the training share: a schedule by the clock, a state to resume from and a log."""

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch


@dataclass
class Clock:
    """Training time used so far, of all that was granted; the learning rate follows it, not the number of steps.

    A shared CPU does not say how many steps an hour will hold.
    """

    seconds: float
    used: float = 0.0

    def __post_init__(self) -> None:
        self._started = time.monotonic() - self.used

    @property
    def progress(self) -> float:
        """0 at the start to 1 at the end, or beyond."""
        self.used = time.monotonic() - self._started
        return self.used / self.seconds

    def learning_rate(self, peak: float, warm_up: float = 0.04) -> float:
        """A linear warm-up and a cosine down to a hundredth of the peak."""
        progress = min(self.progress, 1.0)
        if progress < warm_up:
            return peak * max(progress / warm_up, 0.02)
        falling = (progress - warm_up) / (1 - warm_up)
        return peak * (0.01 + 0.99 * (1 + math.cos(math.pi * falling)) / 2)


class Average:
    """An exponential moving average of a network's weights, which samples better than the last weights do."""

    def __init__(self, network: torch.nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: value.detach().clone() for name, value in network.state_dict().items()}
        self.updates = 0

    @torch.no_grad()
    def update(self, network: torch.nn.Module) -> None:
        self.updates += 1
        decay = min(self.decay, self.updates / (self.updates + 10))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                self.weights[name].lerp_(value, 1 - decay)


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write tensors and plain values whole or not at all; `torch.load(weights_only=True)` reads them back."""
    unfinished = path.with_suffix(".part")
    torch.save(dict(state), unfinished)
    unfinished.replace(path)


def log(folder: Path, stage: str, **values: float) -> None:
    """Append one line of JSON to the stage's log."""
    with (folder / f"{stage}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({key: round(value, 6) for key, value in values.items()}) + "\n")
