"""Peaks of sums of waves whose highest value and place are known."""

import math

import pytest
import torch
from tilewright.evaluation.peaks import any_above, highest_peaks
from tilewright.evaluation.polynomials import Polynomials

HIGHEST = 5


def hill(height, down, across, width=HIGHEST):
    """Coefficients (F, F) of height * f(y - down) * f(x - across), f being 1 at 0 and less everywhere else."""
    frequencies = torch.arange(-HIGHEST, HIGHEST + 1, dtype=torch.float64)
    weights = (width + 1 - frequencies.abs()).clamp(min=0)  # Fejer's kernel
    waves = [weights / weights.sum() * torch.exp(-2j * math.pi * frequencies * place) for place in (down, across)]
    return height * waves[0][:, None] * waves[1]


@pytest.mark.parametrize(("down", "across"), [(0.0, 0.0), (0.3, 0.7), (0.123456, 0.987654), (0.02499, 0.02501)])
def test_the_peak_of_a_hill_is_found_far_below_a_place_of_the_grid(down, across):
    ((number, height, place),) = highest_peaks([Polynomials.of(hill(0.8, down, across)[None])], HIGHEST)
    assert number == 0 and height == pytest.approx(0.8, abs=1e-9)
    assert [math.cos(2 * math.pi * (one - known)) for one, known in zip(place, (down, across), strict=True)] == (
        pytest.approx([1, 1], abs=1e-9)
    )


def test_each_group_gives_its_own_highest_however_many_are_climbed_together():
    groups = [
        torch.stack([hill(0.1 * (number + 1 if number == n % 7 else 0.5), (n + 1) / 101, 0.4) for number in range(7)])
        for n in range(100)
    ]
    peaks = highest_peaks(map(Polynomials.of, groups), HIGHEST)
    assert len(peaks) == 100
    for n, (number, height, place) in enumerate(peaks):
        assert number == n % 7 and height == pytest.approx(0.1 * (number + 1), abs=1e-9)
        assert place == pytest.approx(((n + 1) / 101, 0.4), abs=1e-5)


def test_a_function_that_is_0_has_its_peak_at_0_and_no_group_gives_none():
    ((_, height, _),) = highest_peaks([Polynomials.of(torch.zeros(3, 11, 11, dtype=torch.complex128))], HIGHEST)
    assert height == 0
    assert highest_peaks([], HIGHEST) == []


@pytest.mark.parametrize(("down", "across"), [(0.0, 0.0), (0.05, 0.05), (0.1234, 0.9876)])
def test_a_peak_is_above_all_limits_below_its_height_wherever_it_lies_between_the_places_of_a_grid(down, across):
    group = Polynomials.of(torch.stack([hill(0.2, 0.3, 0.3), hill(0.8, down, across)]))
    told = [any_above([group], HIGHEST, limit)[0] for limit in (-1, 0.4, 0.8 - 1e-7, 0.8 + 1e-7, 0.9, 2)]
    assert told == [True, True, True, False, False, False]


def test_no_value_rises_farther_above_those_of_a_grid_than_is_told():
    generator = torch.Generator().manual_seed(0)
    spectra = torch.fft.fftshift(torch.fft.fft2(torch.randn(40, 11, 11, generator=generator).double()), (-2, -1)) / 121
    polynomials = Polynomials.of(spectra).times(hill(1.0, 0.0, 0.0) * 121)
    for group in (polynomials[n : n + 1] for n in range(40)):
        ((_, height, _),) = highest_peaks([group], HIGHEST)
        for limit in (height - 1e-6, height + 1e-6):
            assert any_above([group], HIGHEST, limit) == [height > limit]
