"""Arguments for resuming sd-scripts from a saved state.

A state holds weights, optimizer and the position in the learning-rate schedule, but sd-scripts counts a resumed run in
epochs. Where the rate does not fall towards the end, it trains the missing steps and counts from zero, which is exact.
Where it falls, the schedule needs the length of the whole run: then sd-scripts counts on, and if the steps are not a
whole number of epochs, it trains to the end of the last one at a rate that has already reached zero.
"""

from typing import Any

from ..training.config import TrainingConfig
from .run_folder import Leg, RunFolder
from .tasks import Job

_LEVEL = ("constant", "constant with warmup")


def next_leg(run: RunFolder, config: TrainingConfig, job: Job) -> tuple[Leg, dict[str, Any]]:
    """What is still to do of `run`, and the arguments that say so: the beginning, where there is no state to use."""
    state = run.last_state() if config.saving.resume and job.resumes else None
    if state is None:
        return Leg(), {}
    start, folder = state
    end = _last_step(run, config)
    resumed = {"resume": str(folder), "max_train_epochs": None}
    if config.optimizer.scheduler in _LEVEL:
        return Leg(start, end), resumed | {"initial_step": 0, "max_train_steps": end - start}
    skips = config.optimizer.accumulation == 1  # sd-scripts counts the images to skip in batches
    arguments = {"initial_step": start, "max_train_steps": end, "skip_until_initial_step": skips or None}
    return Leg(start, end, counts_on=True, skips=skips), resumed | arguments


def run_length(config: TrainingConfig) -> dict[str, int]:
    """The length of a run, in the unit that the user chose."""
    return {"epochs": config.epochs} if config.epochs else {"steps": config.steps}


def serves(run: RunFolder, config: TrainingConfig, job: Job) -> bool:
    """Whether an earlier run of the same settings is the one that is asked for, or the beginning of it."""
    if not config.saving.resume:
        return False
    if run.facts.get("finished") == run_length(config) and run.target.is_file():
        return True
    state = run.last_state() if job.resumes else None
    if state is None:
        return "finished" not in run.facts
    return state[0] < _last_step(run, config)


def _last_step(run: RunFolder, config: TrainingConfig) -> int:
    return config.epochs * run.facts.get("steps_per_epoch", 0) if config.epochs else config.steps
