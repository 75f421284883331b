"""What the trainer is for: a LoRA of a material that the demo model has never seen moves its images towards it."""

import pytest
import torch
from api_workflows import of_class, path, titled
from tilewright.launch.client import run_prompt
from tilewright.nodes.common.images import read_image
from tilewright.nodes.dataset.procedural.render import render_material
from tilewright.training.demo.evaluation import color_statistics, texture_statistics

KNOWN = ("bricks", "planks", "cobblestone", "weave", "hexagons", "rock")
SEEDS = (1, 2, 3, 4, 5)


def statistics(images):
    return torch.cat([texture_statistics(images), color_statistics(images)], 1)


def renders(material, first_seed, count):
    tiles = [render_material(material, first_seed + number, 256, maps=("basecolor",)) for number in range(count)]
    return torch.stack([tile.maps["basecolor"] for tile in tiles]) * 2 - 1


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
            "cfg": 4.0,
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
def known():
    """Statistics of renders of the materials that the model knows, and their numbers in `KNOWN`."""
    rows = torch.cat([statistics(renders(material, 700_000_000, 30)) for material in KNOWN])
    return rows, torch.arange(len(KNOWN)).repeat_interleave(30)


def trained_on(server, prompt):
    """The images of the LoRA's dataset as the model's VAE gives them back: nothing sharper can be painted."""
    graph = {
        "dataset": prompt[of_class(prompt, "TilewrightRenderProcedural")],
        "model": {"class_type": "TilewrightDemoModel", "inputs": {}},
        "encode": {
            "class_type": "TilewrightTiledVAEEncode",
            "inputs": {"pixels": ["dataset", 3], "vae": ["model", 2], "tile_size": 256, "axes": "both"},
        },
        "decode": {
            "class_type": "TilewrightTiledVAEDecode",
            "inputs": {"samples": ["encode", 0], "vae": ["model", 2], "tile_size": 256, "axes": "both"},
        },
        "save": {
            "class_type": "SaveImage",
            "inputs": {"images": ["decode", 0], "filename_prefix": "style/trained_on"},
        },
    }
    outputs = run_prompt(server.url, graph)
    return torch.stack([read_image(path(server, image))[:3] for image in outputs["save"]["images"]]) * 2 - 1


def test_a_lora_moves_images_towards_the_style_it_was_trained_on(server, quick_start, known):
    """By 30 % at least in the mean over five seeds, and for each of them."""
    prompt, _ = quick_start
    style = statistics(trained_on(server, prompt))
    spread = torch.cat([known[0], style]).std(0)
    prompts = [(prompt[titled(prompt, "Prompt")]["inputs"]["text"], seed) for seed in SEEDS]
    without, with_lora = (
        ((statistics(painted(server, prompts, strength)) - style.mean(0)) / spread).square().mean(1).sqrt()
        for strength in (0.0, 1.0)
    )
    assert with_lora.mean() <= 0.7 * without.mean(), (with_lora, without)
    assert (with_lora < without).all()
