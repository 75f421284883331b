"""The whole trainer on a denoiser small enough to follow: one linear layer over the channels."""

from dataclasses import replace

import pytest
import torch
from tilewright.training.config import NetworkConfig, ObjectiveConfig, OptimizerConfig, TrainingConfig
from tilewright.training.data import Conditioning, Example
from tilewright.training.loop import Diverged, Trainer
from tilewright.training.lora import LoraNetwork
from tilewright.training.noise import NoiseSchedule
from torch import nn


class ChannelDenoiser(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.mix = nn.Linear(4, 4).requires_grad_(False)
        self.calls = []

    def forward(self, noisy, timesteps, conditioning):
        self.calls.append((noisy, timesteps, conditioning))
        return self.mix(noisy.movedim(1, -1)).movedim(-1, 1)


def encode_texts(captions, sizes):
    """A caption is a number here, and its encoding that number."""
    return Conditioning(torch.tensor([float(caption or -1) for caption in captions]).view(-1, 1, 1))


def trainer(steps=6, batch_size=2, tileable=True, denoiser=None, validation=(), dropout=0.0, schedule=None, **parts):
    denoiser = denoiser or ChannelDenoiser()
    draw = torch.Generator().manual_seed(1)
    examples = [Example(torch.randn(4, 8, 8, generator=draw), str(i), (64, 64), tileable=tileable) for i in range(3)]
    parts.setdefault("optimizer", OptimizerConfig(learning_rate=0.05))
    config = TrainingConfig(steps, batch_size, 64, network=NetworkConfig(rank=2, alpha=2, dropout=dropout), **parts)
    network = LoraNetwork({"lora_unet_mix": denoiser.mix}, config.network, config.seed)
    schedule = schedule or NoiseSchedule(torch.linspace(0.99, 0.01, 50), "eps")
    network.attach()
    return Trainer(network, denoiser, encode_texts, examples, schedule, config, torch.device("cpu"), validation)


def finished(run):
    for _ in run.run():
        pass
    return run


def test_the_loss_falls():
    losses = finished(trainer(steps=120)).losses
    assert sum(losses[-20:]) < 0.9 * sum(losses[:20])


def test_two_runs_agree_to_the_last_bit():
    first, second = finished(trainer()), finished(trainer())
    assert first.losses == second.losses
    states = first.kohya_state(), second.kohya_state()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_a_batch_of_b_evaluates_b_rows_each_with_its_own_caption():
    denoiser = ChannelDenoiser()
    run = finished(trainer(steps=1, batch_size=2, denoiser=denoiser))
    ((noisy, timesteps, conditioning),) = denoiser.calls
    assert noisy.shape[0] == timesteps.shape[0] == conditioning.context.shape[0] == 2
    assert conditioning.context[:, 0, 0].tolist() == run.batches.order.batch(0)


def test_the_base_weights_do_not_move():
    denoiser = ChannelDenoiser()
    before = denoiser.mix.weight.clone()
    finished(trainer(denoiser=denoiser))
    assert torch.equal(denoiser.mix.weight, before)


@pytest.mark.parametrize("tileable", [True, False])
def test_tileable_examples_are_rolled(tileable):
    one, other = ChannelDenoiser(), ChannelDenoiser()
    finished(trainer(1, tileable=tileable, denoiser=one))
    finished(trainer(1, tileable=False, denoiser=other))
    assert torch.equal(one.calls[0][0], other.calls[0][0]) is not tileable


def test_an_interrupted_run_has_one_loss_for_each_finished_step():
    run = trainer(steps=5)
    course = run.run()
    next(course), next(course)
    course.close()
    assert run.step == len(run.losses) == 2


def test_epochs_set_the_number_of_steps():
    assert trainer(batch_size=1, epochs=4).steps == 12


def test_accumulated_batches_give_the_step_of_one_large_batch():
    """With every example in each, two batches of three rows are one step on their mean gradient."""
    denoiser = ChannelDenoiser()
    run = trainer(1, 3, denoiser=denoiser, optimizer=OptimizerConfig(accumulation=2, clip_norm=0.0))
    mean = sum(run.batch_loss(run.inputs(run.batches[number])) for number in (0, 1)) / 2
    expected = torch.autograd.grad(mean, run.parameters)
    for number in (0, 1):
        run.forward_backward(run.inputs(run.batches[number]))
    torch.testing.assert_close([parameter.grad for parameter in run.parameters], list(expected))


READINGS = ("item", "tolist", "cpu", "numpy", "nonzero", "__bool__", "__float__", "__int__")


def test_a_step_never_waits_for_the_device(monkeypatch):
    """A step waits when it reads a number back; only `settle` does, which a GPU calls once in ten steps."""
    run = trainer(objective=ObjectiveConfig(min_snr_gamma=5.0, style=0.1, masked=True))
    batch = run.batches[0]  # drawn on the CPU, ahead of the step

    def waiting(*_):
        raise AssertionError("a number is read back from the device")

    with monkeypatch.context() as patches:
        for name in READINGS:
            patches.setattr(torch.Tensor, name, waiting)
        loss = run.train_step(iter([batch]))
        with pytest.raises(AssertionError, match="read back"):
            float(loss)


def test_a_loss_that_is_no_number_stops_the_run_at_the_weights_before():
    class Breaking(ChannelDenoiser):
        def forward(self, *inputs):
            broken = float("nan") if len(self.calls) == 3 else 1.0
            return super().forward(*inputs) * broken

    run = trainer(denoiser=Breaking())
    course, states = run.run(), []
    with pytest.raises(Diverged) as stopped:
        for _ in course:
            states.append(run.kohya_state())
    assert stopped.value.step == 4
    assert run.step == len(run.losses) == 3
    assert all(torch.equal(value, states[-1][name]) for name, value in run.kohya_state().items())


def test_validation_repeats_its_noise_and_falls_with_the_loss():
    held_out = [Example(torch.randn(4, 8, 8, generator=torch.Generator().manual_seed(2)), "0", (64, 64))]
    run = trainer(steps=60, validation=held_out)
    before = run.measurements.validate(run.step)
    assert run.measurements.validate(run.step) == before
    assert finished(run).measurements.validate(60) < before
    assert [step for step, _ in run.measurements.validation] == [0, 0, 60]


def test_the_loss_on_fixed_noise_shows_what_the_losses_of_the_steps_hide():
    run = trainer(steps=60)
    run.measurements.measure(run.step)
    for _ in run.run():
        run.measurements.measure(run.step)
    course = [loss for _, loss in run.measurements.fixed]
    assert course[-1] < 0.9 * course[0]
    assert all(loss < course[0] for loss in course[10:])
    assert jitter(run.losses) > 3 * jitter(course)


def jitter(losses):
    return sum(abs(later - earlier) for earlier, later in zip(losses, losses[1:], strict=False)) / len(losses)


def test_measuring_changes_nothing():
    plain, measured = finished(trainer()), trainer()
    for _ in measured.run():
        measured.measurements.measure(0)
    assert measured.losses == plain.losses


@pytest.mark.parametrize(("steps", "batch_size", "every"), [(6, 2, 27), (1000, 4, 50), (150, 4, 14), (1000, 1, 54)])
def test_measurements_are_twenty_at_most_and_take_a_twentieth_of_the_time(steps, batch_size, every):
    assert trainer(steps=steps, batch_size=batch_size).measurements.every == every


def test_dropout_belongs_to_the_step_and_is_off_in_validation():
    held_out = [Example(torch.randn(4, 8, 8), "0", (64, 64))]
    before = torch.get_rng_state()
    first, second = (trainer(3, validation=held_out, dropout=0.5) for _ in range(2))
    finished(first)
    for _ in second.run():
        second.measurements.validate(0)
        torch.rand(1)  # whatever else draws from torch's own generator
    assert first.losses == second.losses
    assert first.losses != finished(trainer(3)).losses
    assert first.measurements.validate(3) == first.measurements.validate(3)
    torch.set_rng_state(before)


def test_the_running_mean_lags_behind_the_weights():
    run = finished(trainer(steps=8, optimizer=OptimizerConfig(learning_rate=0.05, ema=0.9)))
    up = "lora_unet_mix.lora_up.weight"
    assert 0 < run.kohya_state()[up].norm() < run.network.kohya_state()[up].norm()


def test_dropped_captions_reach_the_denoiser_empty():
    denoiser = ChannelDenoiser()
    finished(trainer(1, denoiser=denoiser, objective=ObjectiveConfig(caption_dropout=1.0)))
    assert denoiser.calls[0][2].context.flatten().tolist() == [-1, -1]


def test_what_the_mask_hides_has_no_gradient():
    run = trainer(1, 1, tileable=False, objective=ObjectiveConfig(masked=True))
    mask = torch.zeros(1, 8, 8)
    run.batches.examples = [replace(example, mask=mask) for example in run.batches.examples]
    run.batch_loss(run.inputs(run.batches[0])).backward()
    assert all(parameter.grad.abs().max() == 0 for parameter in run.parameters)
