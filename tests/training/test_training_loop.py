"""The whole trainer on a denoiser small enough to follow: one linear layer over the channels."""

import pytest
import torch
from tilewright.training.config import NetworkConfig, OptimizerConfig, TrainingConfig
from tilewright.training.data import Conditioning, Example
from tilewright.training.loop import Trainer
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


def trainer(steps=6, batch_size=2, seed=0, tileable=True, denoiser=None):
    denoiser = denoiser or ChannelDenoiser()
    draw = torch.Generator().manual_seed(1)
    examples = [
        Example(torch.randn(4, 8, 8, generator=draw), Conditioning(torch.full((1, 3, 2), float(i))), tileable=tileable)
        for i in range(3)
    ]
    network = LoraNetwork({"mix": denoiser.mix}, NetworkConfig(rank=2, alpha=2), seed)
    config = TrainingConfig(steps, batch_size, 64, seed, optimizer=OptimizerConfig(learning_rate=0.05))
    schedule = NoiseSchedule(torch.linspace(0.99, 0.01, 50), "eps")
    network.attach()
    return Trainer(network, denoiser, examples, schedule, config, torch.device("cpu"))


def test_the_loss_falls():
    run = trainer(steps=120)
    losses = list(run.run())
    assert sum(losses[-20:]) < 0.9 * sum(losses[:20])


def test_two_runs_agree_to_the_last_bit():
    first, second = trainer(), trainer()
    assert list(first.run()) == list(second.run())
    states = first.network.kohya_state(), second.network.kohya_state()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_a_batch_of_b_evaluates_b_rows_each_with_its_own_caption():
    denoiser = ChannelDenoiser()
    run = trainer(steps=1, batch_size=2, denoiser=denoiser)
    list(run.run())
    ((noisy, timesteps, conditioning),) = denoiser.calls
    assert noisy.shape[0] == timesteps.shape[0] == conditioning.context.shape[0] == 2
    assert conditioning.context[:, 0, 0].tolist() == run.order.batch(0)


def test_the_base_weights_do_not_move():
    denoiser = ChannelDenoiser()
    before = denoiser.mix.weight.clone()
    list(trainer(denoiser=denoiser).run())
    assert torch.equal(denoiser.mix.weight, before)


@pytest.mark.parametrize("tileable", [True, False])
def test_tileable_examples_are_rolled(tileable):
    one, other = ChannelDenoiser(), ChannelDenoiser()
    list(trainer(1, tileable=tileable, denoiser=one).run())
    still = trainer(1, tileable=False, denoiser=other)
    list(still.run())
    assert torch.equal(one.calls[0][0], other.calls[0][0]) is not tileable


def test_an_interrupted_run_has_one_loss_for_each_finished_step():
    run = trainer(steps=5)
    course = run.run()
    next(course), next(course)
    course.close()
    assert run.step == len(run.losses) == 2
