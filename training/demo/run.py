"""What the two stages of the training share: a schedule by the clock, a state to resume from and a log."""

import json
import math
import time
from pathlib import Path

import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn

from ...common.processor import processor_multiplies
from .pool import Pool


class Clock:
    """Processor time used so far, of all that was granted; the learning rate follows it, not the number of steps.

    A machine does not say beforehand how many steps an hour will hold. What other programs take of a shared one does
    not count. `seconds` is for one thread; `limit` ends this run by the clock on the wall, however far it has come.
    """

    def __init__(self, seconds: float, limit: float = math.inf) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + limit
        self.resume(0.0)

    def resume(self, used: float) -> None:
        self.used = used
        self._started = self._now() - used

    @property
    def progress(self) -> float:
        """0 at the start to 1 at the end, or beyond."""
        self.used = self._now() - self._started
        return self.used / self.seconds

    @property
    def stopped(self) -> bool:
        """Whether this run ends here, be the training at its end or not."""
        return self.progress >= 1 or time.monotonic() >= self._end

    def _now(self) -> float:
        return time.process_time() / torch.get_num_threads()

    def learning_rate(self, peak: float, warm_up: float = 0.04) -> float:
        """A linear warm-up and a cosine down to a hundredth of the peak."""
        progress = min(self.progress, 1.0)
        if progress < warm_up:
            return peak * max(progress / warm_up, 0.02)
        falling = (progress - warm_up) / (1 - warm_up)
        return peak * (0.01 + 0.99 * (1 + math.cos(math.pi * falling)) / 2)


def mixed_precision() -> torch.autocast:
    """Matrix products and convolutions in bfloat16, weights and losses in float32: two thirds of the time for the
    autoencoder's steps, four fifths for the denoiser's, on a processor that multiplies bfloat16. On others all in
    float32, for they would take ten times as long."""
    return torch.autocast("cpu", torch.bfloat16, enabled=processor_multiplies(torch.bfloat16))


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
        values = {name: value for name, value in network.state_dict().items() if value.is_floating_point()}
        get_ema_multi_avg_fn(decay)([self.weights[name] for name in values], list(values.values()), self.updates)


def save_stage(
    path: Path,
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    average: Average,
    clock: Clock,
    pool: Pool,
    step: int,
) -> None:
    """Write all that is needed to go on, whole or not at all."""
    state = {
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "average": average.weights,
        "updates": average.updates,
        "used": clock.used,
        "seed": pool.next_seed,
        "step": step,
    }
    unfinished = path.with_suffix(".part")
    torch.save(state, unfinished)
    unfinished.replace(path)


def resume_stage(
    path: Path,
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    average: Average,
    clock: Clock,
    pool: Pool,
) -> int:
    """Read back what `save_stage` wrote, if it is there. Returns the number of steps done."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    average.weights, average.updates = state["average"], state["updates"]
    clock.resume(state["used"])
    pool.next_seed = state["seed"]
    return state["step"]


def log(folder: Path, stage: str, **values: float) -> None:
    """Append one line of JSON to the stage's log."""
    with (folder / f"{stage}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({key: round(value, 6) for key, value in values.items()}) + "\n")
