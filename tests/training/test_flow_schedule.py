"""Rectified flow: the line from a latent to noise, and how often each place on it is trained on."""

import math

import pytest
import torch
from tilewright.training.config import ConfigError, ObjectiveConfig
from tilewright.training.data import Conditioning
from tilewright.training.flow import (
    FlowSchedule,
    FlowTimes,
    ResolutionShift,
    check_diffusion_objective,
    check_flow_objective,
    shifted,
)
from tilewright.training.loss import timestep_weights
from tilewright.training.sampling import sample
from tilewright.training.text_rows import TextRows, conditioning_of

TIMES = FlowTimes("logit-normal", shift=3.0, sampling_shift=3.0)
LATENT, NOISE = torch.full((1, 1, 2, 2), 2.0), torch.full((1, 1, 2, 2), -1.0)


def schedule(**objective):
    return FlowSchedule.of(TIMES, ObjectiveConfig(**objective))


def drawn(count=40000, size=(64, 64), **objective):
    return schedule(**objective).draw(count, size, torch.Generator().manual_seed(0))


def test_a_quarter_of_the_way_to_noise():
    sigma = torch.tensor([0.25])
    assert schedule().add_noise(LATENT, NOISE, sigma)[0, 0, 0, 0] == 0.75 * 2 - 0.25
    assert torch.equal(schedule().target(LATENT, NOISE, sigma), NOISE - LATENT)


def test_latent_and_noise_are_read_back_from_the_velocity():
    flow, sigma = schedule(), torch.tensor([0.25])
    noisy, velocity = flow.add_noise(LATENT, NOISE, sigma), flow.target(LATENT, NOISE, sigma)
    torch.testing.assert_close(flow.clean(noisy, velocity, sigma), LATENT)
    torch.testing.assert_close(flow.noise(noisy, velocity, sigma), NOISE)


def test_half_the_power_is_signal_half_way():
    assert schedule().signal_share(torch.tensor([0.5, 0.0, 1.0])).tolist() == [0.5, 1.0, 0.0]


# Shares of a draw below 0.25, to 0.5, to 0.75 and above, as published trainers draw them (logistic of a normal).
QUARTERS = {
    ("uniform", 0.0, 64): (0.25, 0.25, 0.25, 0.25),
    ("logit-normal", 0.0, 64): (0.136, 0.364, 0.364, 0.136),
    ("logit-normal", 2.0, 64): (0.037, 0.207, 0.415, 0.341),
    ("shifted", 0.0, 64): (0.014, 0.122, 0.364, 0.5),
    ("by resolution", 0.0, 64): (0.042, 0.223, 0.416, 0.319),
    ("by resolution", 0.0, 128): (0.012, 0.113, 0.354, 0.521),
}


@pytest.mark.parametrize("asked", QUARTERS)
def test_the_histogram_of_a_draw_is_the_closed_form(asked):
    kind, shift, side = asked
    sigmas = drawn(size=(side, side), timestep_sampling=kind, shift=shift)
    found = torch.histc(sigmas, 4, 0, 1) / len(sigmas)
    torch.testing.assert_close(found, torch.tensor(QUARTERS[asked]), atol=0.01, rtol=0)


def test_the_closed_form_of_a_shifted_draw():
    """P(sigma < q) is the normal's share below logit(q) - log(s)."""
    for factor in (1.0, 2.0, 3.0):
        below = 0.5 * (1 + math.erf((math.log(0.25 / 0.75) - math.log(factor)) / math.sqrt(2)))
        found = (drawn(shift=factor) < 0.25).float().mean().item()
        assert found == pytest.approx(below, abs=0.01)


def test_the_same_seed_draws_the_same():
    assert torch.equal(drawn(), drawn())


def test_shifts_by_resolution_are_those_of_the_authors():
    assert ResolutionShift()(256) == pytest.approx(math.exp(0.5))
    assert ResolutionShift()(4096) == pytest.approx(math.exp(1.15))
    assert schedule(timestep_sampling="by resolution").shift_at((128, 128)) == pytest.approx(3.158, abs=1e-3)
    assert schedule(timestep_sampling="by resolution").shift_at((64, 64)) == pytest.approx(1.877, abs=1e-3)


def test_a_shift_of_one_changes_nothing():
    sigmas = torch.tensor([0.1, 0.5])
    torch.testing.assert_close(shifted(sigmas, 1.0), sigmas)
    torch.testing.assert_close(shifted(torch.tensor([0.5]), 3.0), torch.tensor([0.75]))


@pytest.mark.parametrize("weighting", ["none", "low noise", "cosmap", "bell"])
def test_weights_leave_the_mean_of_the_loss_what_it_is(weighting):
    sigmas = torch.linspace(0, 1, 20001)
    weights = timestep_weights(schedule(), sigmas, ObjectiveConfig(sigma_weighting=weighting))
    assert torch.as_tensor(weights).expand_as(sigmas).mean().item() == pytest.approx(1, abs=1e-3)


def test_weights_favour_what_they_say():
    low, middle, high = (schedule().weights(torch.tensor([sigma]), "low noise") for sigma in (0.1, 0.5, 0.9))
    assert low > middle > high
    low, middle, high = (schedule().weights(torch.tensor([sigma]), "bell") for sigma in (0.1, 0.5, 0.9))
    assert low < middle > high


@pytest.mark.parametrize("option", [{"min_snr_gamma": 5.0}, {"debiased": True}, {"zero_terminal_snr": True}])
def test_options_of_a_diffusion_schedule_are_refused(option):
    with pytest.raises(ConfigError, match="flow model, which has none"):
        check_flow_objective(ObjectiveConfig(**option))


@pytest.mark.parametrize("option", [{"timestep_sampling": "uniform"}, {"shift": 2.0}, {"guidance": 1.0}])
def test_options_of_flows_are_refused_for_others(option):
    check_diffusion_objective(ObjectiveConfig())
    with pytest.raises(ConfigError, match="only flow models have"):
        check_diffusion_objective(ObjectiveConfig(**option))


def test_by_resolution_takes_no_shift():
    with pytest.raises(ConfigError, match="computes it from"):
        schedule(timestep_sampling="by resolution", shift=2.0)


def test_pictures_follow_the_flow_to_its_end():
    """A denoiser that knows the way: every latent pixel is to become 1."""
    told = TextRows(({"context": torch.zeros(1, 1, 1)},))

    def denoise(noisy, sigmas, _text):
        return (noisy - 1) / sigmas.view(-1, 1, 1, 1)

    picture = sample(denoise, schedule(), torch.randn(1, 4, 8, 8), told, told, steps=4, guidance=2.0)
    torch.testing.assert_close(picture, torch.ones(1, 4, 8, 8))


def test_timesteps_of_pictures_begin_at_noise_and_lie_higher_than_evenly():
    times = schedule().picture_timesteps(4, torch.device("cpu"))
    torch.testing.assert_close(times, torch.tensor([1.0, 0.9, 0.75, 0.5, 0.0]))


def test_texts_of_one_length_are_told_together():
    rows = TextRows(tuple({"context": torch.full((1, length, 2), float(length))} for length in (3, 5, 3)))
    assert [(numbers, told["context"].shape[:2]) for numbers, told in rows.groups()] == [
        ([0, 2], (2, 3)),
        ([1], (1, 5)),
    ]


def test_texts_come_back_from_the_tensors_of_a_pass():
    rows = TextRows.stack([TextRows(({"context": torch.rand(1, 3, 2), "y": torch.rand(1, 4)},)) for _ in range(12)])
    back = conditioning_of({"latents": torch.zeros(1), **rows.moved(torch.device("cpu")).named()})
    assert len(back.rows) == 12
    assert all(
        torch.equal(one[name], other[name]) for one, other in zip(rows.rows, back.rows, strict=True) for name in one
    )
    again = TextRows.from_named(rows.named())
    assert torch.equal(again.rows[11]["y"], rows.rows[11]["y"])
    assert isinstance(conditioning_of(Conditioning(torch.zeros(1, 1, 1)).named()), Conditioning)
