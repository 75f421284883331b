"""The API files, queued at a real server as they are, and what comes out of them."""

import copy
import shutil

import kornia
import numpy as np
import torch
from api_workflows import load, of_class, path, picture, seams, titled
from safetensors import safe_open
from standin_checkpoint import write_standin_checkpoint
from tilewright.common.images import read_image
from tilewright.launch.client import run_prompt
from tilewright.training.demo.evaluation import texture_statistics


def test_quick_start_saves_a_material_whose_basecolor_tiles(server, quick_start):
    prompt, outputs = quick_start
    saved = outputs[of_class(prompt, "TilewrightSaveMaterial")]["files"]
    maps = {image["filename"].removesuffix(".png").rsplit("_", 1)[1]: picture(server, image) for image in saved}
    assert {"basecolor", "height", "normal"} <= set(maps)
    assert {pixels.shape[:2] for pixels in maps.values()} == {(512, 512)}
    assert maps["height"].dtype == np.uint16 or maps["height"].max() > 255
    for statistics in seams(maps["basecolor"]):
        assert statistics.verdict == "seamless"


def test_quick_start_paints_nearer_to_the_renders_with_the_lora_than_without(server, quick_start):
    """In colour and in texture, of the pictures that it shows side by side; a blur of the same colours is farther."""
    prompt, outputs = quick_start
    shown = read_image(path(server, outputs[titled(prompt, "Render, before and after")]["images"][0]))
    before, after = (shown[None, :3, :, x : x + 256] for x in (264, 528))
    folder = server.output / "datasets" / prompt[of_class(prompt, "TilewrightRenderProcedural")]["inputs"]["folder"]
    renders = torch.stack([read_image(file)[:3] for file in folder.glob("*_basecolor.png")])
    assert len(renders) == 12 and shown.shape[-1] == 784

    def off_colour(image):
        return 255 * (image.mean((0, 2, 3)) - renders.mean((0, 2, 3))).abs().max()

    def off_texture(image):
        style = texture_statistics(2 * renders - 1).mean(0)
        return (texture_statistics(2 * image - 1)[0] - style).square().mean().sqrt()

    blurred = kornia.filters.gaussian_blur2d(after, (13, 13), (2.0, 2.0), "circular")
    assert off_colour(after) < min(25, off_colour(before))
    assert off_texture(after) < off_texture(before) < off_texture(blurred)


def test_quick_start_shows_the_texture_two_by_two(server, quick_start):
    prompt, outputs = quick_start
    preview = next(n for n, node in prompt.items() if node["_meta"]["title"] == "Save 2 x 2 preview")
    pixels = picture(server, outputs[preview]["images"][0])
    assert pixels.shape == (1024, 1024, 3)
    assert (pixels[:512, :512] == pixels[512:, 512:]).all()


def test_quick_start_trains_a_kohya_lora(server, quick_start):
    prompt, _ = quick_start
    name = prompt[of_class(prompt, "TilewrightTrainLora")]["inputs"]["name"]
    with safe_open(server.output / "loras" / f"{name}.safetensors", "pt") as lora:
        assert any(key.endswith("attn1_to_q.lora_down.weight") for key in lora.keys())  # noqa: SIM118
        assert int(lora.metadata()["ss_steps"]) == prompt[of_class(prompt, "TilewrightTrainLora")]["inputs"]["steps"]


def test_the_trained_lora_appears_in_the_hosts_own_loader(server, quick_start):
    prompt, _ = quick_start
    name = prompt[of_class(prompt, "TilewrightTrainLora")]["inputs"]["name"]
    loaded = {
        "1": {"class_type": "TilewrightDemoModel", "inputs": {}},
        "2": {
            "class_type": "LoraLoader",
            "inputs": {
                "model": ["1", 0],
                "clip": ["1", 1],
                "lora_name": f"{name}.safetensors",
                "strength_model": 1.0,
                "strength_clip": 1.0,
            },
        },
        "3": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["2", 1], "text": "bricks"}},
        "4": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "5": {
            "class_type": "KSampler",
            "inputs": {
                "model": ["2", 0],
                "positive": ["3", 0],
                "negative": ["3", 0],
                "latent_image": ["4", 0],
                "seed": 1,
                "steps": 1,
                "cfg": 1.0,
                "sampler_name": "euler",
                "scheduler": "normal",
                "denoise": 1.0,
            },
        },
        "6": {"class_type": "SaveLatent", "inputs": {"samples": ["5", 0], "filename_prefix": "with_lora"}},
    }
    before = len(server.log.read_text(encoding="utf-8", errors="replace"))
    run_prompt(server.url, loaded)
    assert "lora key not loaded" not in server.log.read_text(encoding="utf-8", errors="replace")[before:]


def test_train_and_generate_runs_on_a_checkpoint_and_renders_of_the_users_own(server, quick_start):
    write_standin_checkpoint(server.base / "models" / "checkpoints" / "standin.safetensors")
    renders = server.base / "input" / "my_renders"
    shutil.rmtree(renders, ignore_errors=True)  # another graph's test may have filled it on the same server
    renders.mkdir(parents=True)
    for file in sorted((server.output / "datasets" / "quick_start").glob("*_basecolor.png"))[:3]:
        shutil.copy(file, renders)

    prompt = copy.deepcopy(load("train_and_generate"))
    for node in prompt.values():  # the same graph, small enough for two cores
        smaller = {"ckpt_name": "standin.safetensors", "resolution": 64, "steps": 2, "width": 128, "height": 128}
        widgets = {name for name, value in node["inputs"].items() if not isinstance(value, list)}
        node["inputs"] |= {name: value for name, value in smaller.items() if name in widgets}
    outputs = run_prompt(server.url, prompt)

    saved = outputs[of_class(prompt, "TilewrightSaveMaterial")]["files"]
    basecolor = picture(server, next(image for image in saved if "basecolor" in image["filename"]))
    assert basecolor.shape == (128, 128, 3)
    for statistics in seams(basecolor):
        assert statistics.q <= 1.05
