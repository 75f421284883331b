"""Which images are measured when, with batches whose mean loss is the mean of their timesteps."""

import torch
from tilewright.training.batches import Batches
from tilewright.training.config import SavingConfig, TrainingConfig
from tilewright.training.data import Example
from tilewright.training.measure import FIXED_ROWS, VALIDATION_FRACTIONS, Measurements
from tilewright.training.noise import NoiseSchedule

SCHEDULE = NoiseSchedule(torch.linspace(0.99, 0.01, 800), "eps")


def measurements(held_out=0, **saving):
    examples = [Example(torch.zeros(4, 8, 8), str(index), (64, 64)) for index in range(3)]
    config = TrainingConfig(batch_size=4, resolution=64, saving=SavingConfig(**saving))
    met = []

    def mean_timestep(batches):
        met.append([int(timestep) for batch in batches for timestep in batch.timesteps])
        return sum(met[-1]) / len(met[-1])

    return Measurements(Batches(examples, config, SCHEDULE), examples[:held_out], config, 100, mean_timestep), met


def test_images_are_measured_at_even_places_of_the_schedule():
    taken, met = measurements()
    assert taken.measure(5) == 400
    assert taken.fixed == [(5, 400)]
    assert met == [[50, 150, 250, 350, 450, 550, 650, 750]] and len(met[0]) == FIXED_ROWS


def test_held_out_images_are_each_measured_at_every_fraction():
    taken, met = measurements(held_out=2)
    taken.validate(5)
    assert met == [[int(fraction * 800) for fraction in VALIDATION_FRACTIONS] * 2]


def test_each_measurement_is_taken_when_it_is_due():
    taken, _ = measurements(held_out=1, measure_every=40, validation_every=30)
    for step in range(101):
        taken.take(step)
    assert [step for step, _ in taken.fixed] == [0, 40, 80, 100]
    assert [step for step, _ in taken.validation] == [0, 30, 60, 90]
