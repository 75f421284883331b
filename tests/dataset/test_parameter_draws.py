"""What is drawn of parameters, and how the rings of wood are shaded."""

import numpy as np
import pytest
import torch
from tilewright.dataset.procedural.parameters import Choice, Count, Range, draw_parameters
from tilewright.dataset.procedural.planks import ring_profile

SPECS = {
    "gap": Range("gap", 0.0, 1.0, 0.25),
    "rows": Count("rows", 2, 12, 4, step=2),
    "bond": Choice("bond", ("running", "stack"), (1, 3)),
}


def drawn(variation, seed=0):
    return draw_parameters(SPECS, np.random.default_rng(seed), variation)


def test_without_variation_every_value_is_the_typical_one():
    assert {tuple(drawn(0.0, seed).items()) for seed in range(20)} == {
        (("gap", 0.25), ("rows", 4), ("bond", "running"))
    }


def test_with_variation_values_fill_their_ranges_in_steps_and_by_their_weights():
    values = [drawn(1.0, seed) for seed in range(400)]
    gaps = [value["gap"] for value in values]
    assert 0 <= min(gaps) < 0.05 and 0.95 < max(gaps) <= 1
    assert {value["rows"] for value in values} == {2, 4, 6, 8, 10, 12}
    assert sum(value["bond"] == "stack" for value in values) / 400 == pytest.approx(0.75, abs=0.07)


def test_half_the_variation_strays_half_as_far():
    whole, half = drawn(1.0), drawn(0.5)
    assert half["gap"] - 0.25 == pytest.approx((whole["gap"] - 0.25) / 2, abs=1e-4)


def test_a_ring_rises_slowly_falls_quickly_and_fades_to_its_mean_where_it_is_too_narrow():
    phase = torch.tensor([0.0, 0.39, 0.78, 0.89, 1.0, 1.39])
    assert ring_profile(phase, 0.0).tolist() == pytest.approx([0, 0.5**2.2, 1, 0.5, 0, 0.5**2.2], abs=1e-5)
    assert ring_profile(phase, 2 / 3).tolist() == pytest.approx([0.35] * 6)
