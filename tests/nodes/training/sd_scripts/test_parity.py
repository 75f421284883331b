"""The two trainers agree: ten steps of both, from the same weights on the same draws, give the same LoRA.

The node runs first, as it is, and what it draws is recorded: its latents, noise and timesteps of each step. Then
sd-scripts runs through the node with these draws in place of its own (`drawing_as_told.py`); its VAE, text encoder,
UNet, LoRA, loss, clipping and optimizer are its own. Both images are in every batch, so there is no order to align.
Both start from one LoRA file of rank 4.

At 64 px the UNet's middle has a single position, where self-attention does not depend on its queries and keys: their
gradients are rounding, which AdamW blows up to full steps, another way in each trainer. So it is 128 px.
"""

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from sd_scripts_stand_in.real import DRIVER, checkpoint_file, offer, with_sd_scripts
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.host.in_graph.model import unet_layers
from tilewright.host.sd_scripts import run
from tilewright.nodes.training import TrainLora
from tilewright.nodes.training.train_sd_scripts import TrainLoraKohya
from tilewright.sd_scripts.process import script_command
from tilewright.training.config import NetworkConfig, TrainingConfig
from tilewright.training.loop import Trainer
from tilewright.training.lora import LoraNetwork

pytestmark = with_sd_scripts

STEPS, RANK, SIDE = 10, 4, 128


@pytest.fixture
def images(tmp_path):
    """Two pictures that differ in colour and structure, with captions."""
    samples = []
    for number, caption in enumerate(["red bricks, mortar", "green moss on a wall"]):
        file = tmp_path / f"{number}.png"
        pixels = np.random.default_rng(number).integers(0, 255, (SIDE // 8, SIDE // 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(file)
        samples.append(Sample(file, "basecolor", (SIDE, SIDE), caption, material=str(number)))
    return TextureDataset(tuple(samples))


def save_start(model, path):
    """A LoRA as a run begins with it: drawn at random before the bottleneck, zero after it."""
    config = TrainingConfig(network=NetworkConfig(rank=RANK, alpha=RANK))
    layers = unet_layers(model, model.model.diffusion_model, config)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(LoraNetwork(layers, config.network, seed=3).kohya_state(), path)


def record_draws(monkeypatch):
    """What the trainer draws from now on, by name and step."""
    recorded, row_losses = {}, Trainer.row_losses

    def recording(self, inputs):
        if torch.is_grad_enabled():
            step = len(recorded) // 3
            recorded.update({f"{name}.{step}": inputs[name].clone() for name in ("latents", "noise", "timesteps")})
        return row_losses(self, inputs)

    monkeypatch.setattr(Trainer, "row_losses", recording)
    return recorded


def cosine(a, b):
    return torch.nn.functional.cosine_similarity(a.flatten().double(), b.flatten().double(), dim=0).item()


def test_ten_steps_give_the_same_lora(output, tmp_path, images, monkeypatch, record_property):
    import comfy.sd

    checkpoint = checkpoint_file(tmp_path / "models")
    offer(monkeypatch, "checkpoints", checkpoint.parent)
    offer(monkeypatch, "loras", tmp_path / "start")
    model, clip, vae, _ = comfy.sd.load_checkpoint_guess_config(str(checkpoint))
    save_start(model, tmp_path / "start" / "start.safetensors")
    start = load_file(tmp_path / "start" / "start.safetensors")
    shared = {
        "dataset": images,
        "steps": STEPS,
        "batch_size": 2,
        "resolution": SIDE,
        "rank": RANK,
        "alpha": float(RANK),
    }
    shared |= {"learning_rate": 1e-3, "seed": 7, "precision": "float32"}
    shared["network"] = NetworkConfig(start_from="start.safetensors")

    draws = record_draws(monkeypatch)
    TrainLora.execute(model=model, vae=vae, clip=clip, name="ours", **shared)
    save_file(draws, tmp_path / "draws.safetensors")
    assert len(draws) == 3 * STEPS
    del model, clip, vae

    def told_command(interpreter, script, arguments):
        return script_command(interpreter, DRIVER, [str(tmp_path / "draws.safetensors"), str(script), *arguments])

    monkeypatch.setattr(run, "script_command", told_command)
    TrainLoraKohya.execute(checkpoint=checkpoint.name, name="theirs", **shared)
    log = (output / "training" / "theirs" / "sd-scripts.log").read_text(encoding="utf-8")
    told = next(line for line in log.splitlines() if "steps as told" in line)

    ours, theirs = (load_file(output / "loras" / f"{name}.safetensors") for name in ("ours", "theirs"))
    assert set(ours) == set(theirs)
    changes = [key for key in ours if key.endswith(".weight")]
    similar = {key: cosine(ours[key] - start[key], theirs[key].float() - start[key]) for key in changes}
    print(
        told,
        f"lowest similarity of a change {min(similar.values()):.6f}, mean {sum(similar.values()) / len(similar):.6f}",
    )
    assert len(changes) == 2 * 192
    assert {key: value for key, value in similar.items() if value < 0.999} == {}
