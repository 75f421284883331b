"""A state that version 0.1.0 wrote after four of eight steps goes on to the weights that version 0.1.0 came to."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from tilewright.training.config import NetworkConfig, ObjectiveConfig, OptimizerConfig, SavingConfig, TrainingConfig
from tilewright.training.data import Conditioning, Example
from tilewright.training.loop import Trainer
from tilewright.training.lora import LoraNetwork
from tilewright.training.noise import NoiseSchedule
from tilewright.training.state import RunIdentity, latest_state, load_state, run_fingerprint

FIXTURE = Path(__file__).resolve().parent.parent / "fixtures" / "state_0.1.0"


def numbers(*shape):
    """Values that every machine makes alike."""
    count = torch.Size(shape).numel()
    return ((torch.arange(count) * 37 % 101).float() / 50 - 1).view(shape)


def earlier_run():
    """Moments, running mean, schedule, accumulation, clipping and dropout: all that a state must hold."""
    layer = torch.nn.Linear(4, 4).requires_grad_(False)
    with torch.no_grad():
        layer.weight.copy_(numbers(4, 4)), layer.bias.copy_(numbers(4))
    examples = [Example(numbers(4, 8, 8) * (i + 1) / 3, f"brick {i}", (64, 64), tileable=i > 0) for i in range(3)]
    config = TrainingConfig(
        steps=8,
        batch_size=2,
        resolution=64,
        seed=3,
        network=NetworkConfig(rank=2, alpha=2.0, dropout=0.25),
        optimizer=OptimizerConfig(learning_rate=0.05, scheduler="cosine", warmup=2, accumulation=2, ema=0.9),
        objective=ObjectiveConfig(min_snr_gamma=5.0, noise_offset=0.05),
        saving=SavingConfig(state_every=4),
    )
    network = LoraNetwork({"lora_unet_mix": layer}, config.network, config.seed)
    network.attach()

    def denoise(noisy, timesteps, conditioning):
        return layer(noisy.movedim(1, -1)).movedim(-1, 1)

    def encode(captions, sizes):
        return Conditioning(torch.zeros(len(captions), 1, 1))

    schedule = NoiseSchedule(torch.linspace(0.99, 0.01, 50).double(), "eps")
    trainer = Trainer(network, denoise, encode, examples, schedule, config, torch.device("cpu"))
    return trainer, run_fingerprint(config, examples, layer)


def test_the_state_of_an_earlier_version_is_found_and_goes_on_to_the_same_end():
    trainer, fingerprint = earlier_run()
    state, lora = latest_state(FIXTURE.glob("state.safetensors"), RunIdentity(fingerprint, "models"), trainer.steps)
    assert lora == "brick.safetensors"
    load_state(state, trainer)
    assert trainer.step == 4
    for _ in trainer.run():
        pass
    expected = load_file(FIXTURE / "end.safetensors")
    close = dict(rtol=1e-6, atol=1e-7)  # processors of other makers round elsewhere, by one unit in the last place
    torch.testing.assert_close(dict(trainer.kohya_state()), expected, **close)
    losses = torch.tensor(trainer.losses, dtype=torch.float64)
    written = json.loads((FIXTURE / "losses.json").read_text(encoding="utf-8"))
    torch.testing.assert_close(losses, torch.tensor(written, dtype=torch.float64), **close)
