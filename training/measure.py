"""Losses measured with noise and timesteps that never change: they show what a run has learnt.

The loss of a single step says more about its timesteps than about the model.
"""

from collections.abc import Callable, Iterable, Sequence

from .batches import Batch, Batches
from .config import TrainingConfig
from .data import Example

VALIDATION_FRACTIONS = (0.125, 0.375, 0.625, 0.875)  # of the schedule, at which each held-out image is measured
FIXED_ROWS = 8  # training images that are measured, each at a fraction of the schedule of its own
LEAST_GAIN = 0.01  # of the loss: before that there is nothing that could hold for other images


class Measurements:
    """`fixed` and `validation` hold (step, loss) pairs: of a few training images, and of the held-out ones.

    mean_loss measures batches without dropout and without gradients. steps is the length of the run.
    """

    def __init__(
        self,
        batches: Batches,
        held_out: Sequence[Example],
        config: TrainingConfig,
        steps: int,
        mean_loss: Callable[[Iterable[Batch]], float],
    ) -> None:
        self.batches, self.held_out = batches, held_out
        self.config, self.steps, self.mean_loss = config, steps, mean_loss
        self.fixed: list[tuple[int, float]] = []
        self.validation: list[tuple[int, float]] = []

    @property
    def every(self) -> int:
        """Steps between two measurements: as configured, or so that they are 20 at most in 5 % of the time at most."""
        rows = self.config.batch_size * self.config.optimizer.accumulation
        affordable = -(-20 * FIXED_ROWS // (3 * rows))  # a row only measured costs a third of one trained on
        return self.config.saving.measure_every or max(affordable, -(-self.steps // 20))

    def take(self, step: int) -> None:
        """Measure what is due after `step`."""
        if step % self.every == 0 or step == self.steps:
            self.measure(step)
        if self.held_out and step % self.config.saving.validation_every == 0:
            self.validate(step)

    def measure(self, step: int) -> float:
        """Mean loss of up to `FIXED_ROWS` training images or materials, appended to `fixed`."""
        examples = self.batches.examples
        own = self.batches.units_of([example for example in examples if not example.regularisation] or examples)
        chosen = [own[number * len(own) // FIXED_ROWS] for number in range(FIXED_ROWS)]
        units = [(unit, (number + 0.5) / FIXED_ROWS) for number, unit in enumerate(chosen)]
        self.fixed.append((step, self.mean_loss(self.batches.fixed(units, "fixed noise"))))
        return self.fixed[-1][1]

    def validate(self, step: int) -> float:
        """Mean loss of the held-out images at `VALIDATION_FRACTIONS`, appended to `validation`."""
        held_out = self.batches.units_of(self.held_out)
        units = [(unit, fraction) for unit in held_out for fraction in VALIDATION_FRACTIONS]
        self.validation.append((step, self.mean_loss(self.batches.fixed(units, "validation"))))
        return self.validation[-1][1]


def loss_transfer(validation: Sequence[tuple[int, float]], fixed: Sequence[tuple[int, float]]) -> float | None:
    """Relative loss reduction on held-out images over that on training images, from (step, loss) pairs.

    1 where the model generalises to images that were not trained on; it falls while the training images are
    memorised, and is below 0 where the held-out loss gets worse. Both reductions are relative to the first loss,
    because they are measured at different timesteps. None before the training loss has fallen by `LEAST_GAIN`.
    """
    if len(validation) < 2 or len(fixed) < 2 or not validation[0][1] or not fixed[0][1]:
        return None
    passed_on, learnt = (1 - points[-1][1] / points[0][1] for points in (validation, fixed))
    return passed_on / learnt if learnt >= LEAST_GAIN else None
