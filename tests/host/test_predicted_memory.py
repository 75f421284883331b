"""The dry run against the allocator: what Train LoRA says it will need, and what torch had given out at most."""

import pytest
import torch
from measured_memory import measured, predicted, settings, subject
from tilewright.training.config import OptimizerConfig
from tilewright.training.memory.plan import BUT_ATTENTION, EVERYTHING, MemoryPlan

pytestmark = pytest.mark.slow  # each case trains a step
PLANS = {
    "plain": MemoryPlan(),
    "selective": MemoryPlan(BUT_ATTENTION),
    "recomputed": MemoryPlan(EVERYTHING),
    "8 bits": MemoryPlan(eight_bits=True),
    "streamed": MemoryPlan(EVERYTHING, eight_bits=True, streamed=2),
}
CASES = [
    ("Flux, small", "plain", 1),
    ("Flux, medium", "plain", 2),
    ("Flux, medium", "selective", 1),
    ("Flux, medium", "streamed", 1),
    ("Flux, large", "recomputed", 1),
    ("Z-Image", "8 bits", 2),
    ("Qwen-Image", "recomputed", 1),
    ("demo model", "selective", 1),
]


@pytest.mark.parametrize(("name", "plan", "rows"), CASES)
def test_the_prediction_is_what_the_allocator_gives(name, plan, rows):
    given = subject(name, rows, dtype=torch.float32 if plan == "streamed" else torch.float16)
    config = settings(batch_size=rows)
    assert predicted(given, PLANS[plan], config) == pytest.approx(measured(given, PLANS[plan], config), rel=0.1)


def test_accumulated_gradients_and_moving_averages_are_in_it():
    given = subject("Flux, medium", dtype=torch.float16)
    plain = settings(rank=32)
    more = settings(rank=32, optimizer=OptimizerConfig(accumulation=2, ema=0.9))
    assert predicted(given, MemoryPlan(), more) > 1.05 * predicted(given, MemoryPlan(), plain)
    assert predicted(given, MemoryPlan(), more) == pytest.approx(measured(given, MemoryPlan(), more), rel=0.1)
