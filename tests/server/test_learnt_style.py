"""What the trainer is for: a LoRA of a look that the demo model does not know by its word moves images towards it.

And towards nothing else: what the model knew it still knows.
"""

import pytest
import torch
from api_workflows import path, titled
from tilewright.common.images import read_image
from tilewright.dataset.procedural.render import render_material
from tilewright.host.demo_model import WEIGHTS, load_weights
from tilewright.launch.client import run_prompt
from tilewright.launch.demo_model_course import HELD_OUT, SHIPPED, as_input, captions_of
from tilewright.launch.demo_model_report import through_autoencoder
from tilewright.launch.train_demo_model import initial_networks, load_networks
from tilewright.training.demo.evaluation import NearestClass, texture_statistics

SEEDS = (1, 2, 3, 4, 5)
EXAMPLES = 25  # renders of each known material that the judge learns from


def statistics(images):
    """Those of textures, and of colours (B, 9): mean and spread of each channel, and of what sets them apart."""
    apart = images - images.roll(1, 1)
    colors = [images.mean((2, 3)), images.std((2, 3)), apart.std((2, 3))]
    return torch.cat([texture_statistics(images), *colors], 1)


def painted(server, prompts, strength):
    """Images (B, 3, 256, 256) in -1..1 of [(text, seed)] with the LoRA at `strength`, seamless, 20 steps."""
    graph = {
        "model": {"class_type": "TilewrightDemoModel", "inputs": {}},
        "lora": {
            "class_type": "LoraLoader",
            "inputs": {
                "model": ["model", 0],
                "clip": ["model", 1],
                "lora_name": "quick_start.safetensors",
                "strength_model": strength,
                "strength_clip": strength,
            },
        },
        "seamless": {
            "class_type": "TilewrightSeamlessModel",
            "inputs": {"model": ["lora", 0], "axes": "both", "start": 0.0, "end": 1.0},
        },
        "empty": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["lora", 1], "text": ""}},
        "size": {"class_type": "EmptyLatentImage", "inputs": {"width": 256, "height": 256, "batch_size": 1}},
    }
    for number, (text, seed) in enumerate(prompts):
        sampling = {
            "model": ["seamless", 0],
            "positive": [f"text{number}", 0],
            "negative": ["empty", 0],
            "latent_image": ["size", 0],
            "seed": seed,
            "steps": 20,
            "cfg": 2.0,
            "sampler_name": "dpmpp_2m",
            "scheduler": "karras",
            "denoise": 1.0,
        }
        decoding = {"samples": [f"sample{number}", 0], "vae": ["model", 2], "tile_size": 256, "axes": "both"}
        graph |= {
            f"text{number}": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["lora", 1], "text": text}},
            f"sample{number}": {"class_type": "KSampler", "inputs": sampling},
            f"image{number}": {"class_type": "TilewrightTiledVAEDecode", "inputs": decoding},
            f"save{number}": {
                "class_type": "SaveImage",
                "inputs": {"images": [f"image{number}", 0], "filename_prefix": f"style/{strength:g}_{number}"},
            },
        }
    outputs = run_prompt(server.url, graph)
    files = [path(server, outputs[f"save{number}"]["images"][0]) for number in range(len(prompts))]
    return torch.stack([read_image(file)[:3] for file in files]) * 2 - 1


@pytest.fixture(scope="module")
def autoencoder():
    networks = initial_networks()
    load_networks(networks, load_weights(WEIGHTS))
    return networks["autoencoder"]


@pytest.fixture(scope="module")
def known(autoencoder):
    """Renders of the materials that the model knows, by turns, as its autoencoder gives them back."""
    first = HELD_OUT + 600  # none of those that are painted below
    drawings = (SHIPPED.draw(first + number) for number in range(EXAMPLES * len(SHIPPED.materials)))
    return torch.cat([through_autoencoder(autoencoder, as_input(drawing)) for drawing in drawings])


@pytest.fixture(scope="module")
def learnt(server, quick_start, autoencoder):
    """The images of the LoRA's dataset, likewise."""
    prompt, _ = quick_start
    rendered = prompt[titled(prompt, "Render procedural materials")]["inputs"]
    folder = server.output / "datasets" / rendered["folder"]
    files = sorted(folder.glob(f"{rendered['material']}_*_basecolor.png"))
    assert files
    return torch.cat([through_autoencoder(autoencoder, read_image(file)[None, :3] * 2 - 1) for file in files])


def test_a_lora_moves_images_towards_the_style_it_was_trained_on(server, quick_start, known, learnt):
    """By 10 % at least in the mean over five seeds, and for four of them: the pictures are mosaics either way."""
    prompt, _ = quick_start
    style = statistics(learnt)
    spread = torch.cat([statistics(known), style]).std(0)
    prompts = [(prompt[titled(prompt, "Prompt")]["inputs"]["text"], seed) for seed in SEEDS]
    without, with_lora = (
        ((statistics(painted(server, prompts, strength)) - style.mean(0)) / spread).square().mean(1).sqrt()
        for strength in (0.0, 1.0)
    )
    assert with_lora.mean() <= 0.9 * without.mean(), (with_lora, without)
    assert (with_lora < without).sum() >= 4


def test_other_materials_stay_recognisable_with_the_lora(server, quick_start, known, learnt):
    """Two paintings of each, from captions of renders that nothing was trained on, told apart by their nearest class.

    Of those that are told right without the LoRA more than half still are, and of every material one.
    """
    prompt, _ = quick_start
    taught = prompt[titled(prompt, "Render procedural materials")]["inputs"]["material"]
    kinds = torch.arange(len(SHIPPED.materials))
    judge = NearestClass.fitted(
        texture_statistics(torch.cat([known, learnt])),
        torch.cat([kinds.repeat(EXAMPLES), torch.full((len(learnt),), len(SHIPPED.materials))]),
    )
    others = [kind for kind in kinds.tolist() if SHIPPED.materials[kind] != taught]
    materials = [SHIPPED.materials[kind] for kind in others * 2]
    records = [render_material(one, HELD_OUT + number, 64, maps=()).record for number, one in enumerate(materials)]
    prompts = [(captions_of(record)[1], 1 + number // len(others)) for number, record in enumerate(records)]
    without, with_lora = (
        judge.classify(texture_statistics(painted(server, prompts, strength))).view(2, -1) == torch.tensor(others)
        for strength in (0.0, 1.0)
    )
    assert without.sum() >= 7, without
    assert 2 * with_lora.sum() > without.sum(), (with_lora, without)
    assert with_lora.any(0).all(), with_lora
