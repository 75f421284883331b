"""Every option of the objective against its published formula, by hand."""

import math
import sys

import pytest
import torch
from tilewright.training.captions import vary_captions
from tilewright.training.config import ConfigError, ObjectiveConfig, OptimizerConfig
from tilewright.training.loss import (
    elementwise_loss,
    masked_mean,
    objective_loss,
    style_distance,
    style_loss,
    timestep_weights,
)
from tilewright.training.noise import NoiseSchedule, sample_noise
from tilewright.training.optimizers import build_optimizer, rate_factor

SNRS = torch.tensor([9.0, 1.0, 0.25])
ALPHAS = SNRS / (1 + SNRS)
EACH = torch.arange(3)


def weights(prediction, **objective):
    return timestep_weights(NoiseSchedule(ALPHAS, prediction), EACH, ObjectiveConfig(**objective))


def test_min_snr_weights():
    torch.testing.assert_close(weights("eps", min_snr_gamma=5.0), torch.tensor([5 / 9, 1.0, 1.0]))
    torch.testing.assert_close(weights("v", min_snr_gamma=5.0), torch.tensor([5 / 10, 1 / 2, 0.25 / 1.25]))


def test_debiased_weights():
    torch.testing.assert_close(weights("eps", debiased=True), torch.tensor([1 / 3, 1.0, 2.0]))
    torch.testing.assert_close(weights("v", debiased=True), torch.tensor([1 / 10, 1 / 2, 1 / 1.25]))


def test_only_one_weighting_at_a_time():
    with pytest.raises(ConfigError, match="min_snr_gamma and debiased"):
        ObjectiveConfig(min_snr_gamma=5.0, debiased=True)


@pytest.mark.parametrize(
    ("loss", "expected"), [("mse", 4.0), ("l1", 2.0), ("huber", 2 * 0.1 * (math.sqrt(4 + 0.01) - 0.1))]
)
def test_distances(loss, expected):
    distance = elementwise_loss(torch.tensor([3.0]), torch.tensor([1.0]), ObjectiveConfig(loss=loss))
    assert distance.item() == pytest.approx(expected)


def test_the_loss_of_a_row_is_its_masked_mean_times_the_weight_of_its_timestep():
    prediction, target = torch.tensor([3.0, 9.0]).view(1, 1, 1, 2), torch.ones(1, 1, 1, 2)
    schedule, mask = NoiseSchedule(ALPHAS, "eps"), torch.tensor([1.0, 0.0]).view(1, 1, 1, 2)
    loss = objective_loss(prediction, target, EACH[:1], mask, schedule, ObjectiveConfig(min_snr_gamma=5.0))
    assert loss.item() == pytest.approx(4 * 5 / 9)


def test_the_style_loss_weighs_by_the_square_of_the_signal_and_is_0_for_a_true_prediction():
    schedule, objective = NoiseSchedule(ALPHAS, "eps"), ObjectiveConfig(style=2.0)
    latents, noise = torch.randn(2, 3, 4, 8, 8, generator=torch.Generator().manual_seed(0)).unbind()
    noisy = schedule.add_noise(latents, noise, EACH)
    assert style_loss(noise, noisy, latents, EACH, schedule, objective).max() < 1e-9
    empty = style_loss(noisy / (1 - ALPHAS.view(3, 1, 1, 1)).sqrt(), noisy, latents, EACH, schedule, objective)
    torch.testing.assert_close(empty, 2 * ALPHAS**2 * style_distance(torch.zeros_like(latents), latents))


def test_zero_terminal_snr_keeps_the_first_step_and_empties_the_last():
    before = NoiseSchedule(torch.linspace(0.99, 0.01, 100).double(), "v")
    after = before.with_zero_terminal_snr()
    assert after.alphas_cumprod[0].item() == pytest.approx(0.99)
    assert after.alphas_cumprod[-1] == 0
    assert after.snr(torch.tensor([99])) == 0


def test_noise_offset_shifts_whole_channels():
    draws = [torch.Generator().manual_seed(0) for _ in range(2)]
    shape = torch.Size((64, 4, 16, 16))
    shift = sample_noise(shape, ObjectiveConfig(noise_offset=0.5), draws[0]) - sample_noise(
        shape, ObjectiveConfig(), draws[1]
    )
    assert shift.std((2, 3)).max() < 1e-5
    assert shift.mean((2, 3)).std().item() == pytest.approx(0.5, rel=0.15)


def test_multires_noise_has_unit_variance_and_more_of_it_in_large_shapes():
    shape = torch.Size((64, 4, 32, 32))
    plain = sample_noise(shape, ObjectiveConfig(), torch.Generator().manual_seed(0))
    octaves = sample_noise(shape, ObjectiveConfig(multires_noise=6), torch.Generator().manual_seed(0))
    assert octaves.std().item() == pytest.approx(1.0, abs=1e-3)
    coarse = torch.nn.functional.avg_pool2d(torch.cat([plain, octaves]), 16).flatten(1).std(1)
    assert coarse[64:].mean() > 1.5 * coarse[:64].mean()


def test_a_masked_mean_counts_what_the_mask_lets_through():
    loss = torch.tensor([[[[1.0, 3.0]], [[5.0, 7.0]]]])
    mask = torch.tensor([[[[1.0, 0.0]]]])
    assert masked_mean(loss, mask).tolist() == [3.0]
    assert masked_mean(loss, None).tolist() == [4.0]


def test_the_style_term_sees_the_texture_and_not_its_place():
    latents = torch.randn(1, 4, 16, 16)
    assert style_distance(latents.roll((3, 5), (-2, -1)), latents).item() < 1e-9
    assert style_distance(latents.flip(1), latents).item() > 1e-4


def test_shuffled_captions_keep_their_front_and_their_parts():
    objective = ObjectiveConfig(shuffle_caption=True, keep_tokens=1)
    draw = torch.Generator().manual_seed(0)
    varied = vary_captions(["twbrick, red, worn, dry"] * 20, objective, draw)
    assert all(caption.startswith("twbrick, ") for caption in varied)
    assert {tuple(sorted(caption.split(", "))) for caption in varied} == {("dry", "red", "twbrick", "worn")}
    assert len(set(varied)) == 6


def test_dropped_captions_are_empty_as_often_as_asked():
    varied = vary_captions(["brick"] * 2000, ObjectiveConfig(caption_dropout=0.25), torch.Generator().manual_seed(0))
    assert 400 < varied.count("") < 600


@pytest.mark.parametrize(
    ("scheduler", "warmup", "steps"),
    [
        ("constant", 5, {0: 1.0, 50: 1.0, 99: 1.0}),
        ("constant with warmup", 10, {0: 0.1, 9: 1.0, 99: 1.0}),
        ("linear", 0, {0: 1.0, 50: 0.5, 99: 0.01}),
        ("cosine", 0, {0: 1.0, 50: 0.5, 99: 0.5 + 0.5 * math.cos(0.99 * math.pi)}),
        ("cosine", 0.2, {0: 0.05, 19: 1.0, 60: 0.5}),
        ("cosine with restarts", 0, {0: 1.0, 25: 0.5, 50: 1.0}),
        ("polynomial", 0, {0: 1.0, 50: 0.25}),
    ],
)
def test_courses_of_the_learning_rate(scheduler, warmup, steps):
    config = OptimizerConfig(scheduler=scheduler, warmup=warmup, cycles=2, power=2.0)
    assert {step: rate_factor(config, step, 100) for step in steps} == pytest.approx(steps)


def test_free_arguments_reach_the_optimizer():
    config = OptimizerConfig(arguments="eps=1e-5, amsgrad=True, betas=(0.8, 0.9)")
    optimizer = build_optimizer([{"params": [torch.zeros(1, requires_grad=True)]}], config)
    assert optimizer.defaults["eps"] == 1e-5
    assert optimizer.defaults["betas"] == (0.8, 0.9)


def test_unknown_arguments_and_broken_ones_are_told():
    with pytest.raises(ConfigError, match="does not take these arguments"):
        build_optimizer([{"params": [torch.zeros(1)]}], OptimizerConfig(arguments="colour=3"))
    with pytest.raises(ConfigError, match="name=value"):
        OptimizerConfig(arguments="eps 1e-5")


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "dadaptation", None)
    with pytest.raises(ConfigError, match="dadaptation.*not installed"):
        build_optimizer([{"params": [torch.zeros(1)]}], OptimizerConfig("D-Adaptation"))


@pytest.mark.parametrize(("prediction", "weight"), [("eps", 1.0), ("v", 0.0)])
def test_min_snr_without_any_signal_has_its_limit(prediction, weight):
    schedule = NoiseSchedule(torch.tensor([0.5, 0.0]).double(), prediction)
    weights = timestep_weights(schedule, torch.tensor([1]), ObjectiveConfig(min_snr_gamma=5.0))
    assert weights.tolist() == [weight]
