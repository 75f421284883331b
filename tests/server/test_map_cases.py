"""Graphs that once went wrong in silence, through a real server: alpha, annotated names, one channel, glTF's names."""

import json

import numpy as np
import pytest
import torch
from api_workflows import of_class, path
from PIL import Image
from tilewright.launch.client import run_prompt

RNG = np.random.default_rng(7)
SAVE = {"name": "case", "bit_depth": "16 for data maps", "if_exists": "number", "convention": "OpenGL"}
SAVE |= {"height_cm": 5.0, "size_cm": 100.0, "preset": "plain", "file_format": "PNG", "dither": False}


@pytest.fixture(scope="module")
def leaf(server):
    """A cut-out in the server's input folder: its name and its pixels (H, W, 4)."""
    pixels = RNG.integers(0, 256, (32, 32, 4), dtype=np.uint8)
    pixels[..., 3] = np.where(np.arange(32) < 16, 255, 0)
    (server.base / "input").mkdir(exist_ok=True)
    Image.fromarray(pixels).save(server.base / "input/leaf_basecolor.png")
    return "leaf_basecolor.png", pixels


def node(class_type, /, **inputs):
    return {"class_type": class_type, "inputs": inputs}


def saved_files(server, prompt):
    files = run_prompt(server.url, prompt)[of_class(prompt, "TilewrightSaveMaterial")]["files"]
    return {file["filename"]: path(server, file) for file in files}


@pytest.mark.parametrize("loader", ["LoadImage", "TilewrightLoadMap"])
def test_a_cut_out_reaches_unreal_as_it_was(server, leaf, loader):
    """Both loaders' masks are 1 where the picture is transparent, as Join Image with Alpha takes them."""
    name, pixels = leaf
    load = node("LoadImage", image=name) if loader == "LoadImage" else node(loader, file=name, kind="basecolor")
    mask = 1 if loader == "LoadImage" else 3
    prompt = {
        "1": load,
        "2": node("JoinImageWithAlpha", image=["1", 0], alpha=["1", mask]),
        "3": node("TilewrightSaveMaterial", basecolor=["2", 0], **SAVE | {"name": loader, "preset": "Unreal"}),
    }
    (file,) = saved_files(server, prompt).values()
    assert np.array_equal(np.asarray(Image.open(file)), pixels)


def test_an_annotated_name_is_read(server, leaf):
    name, pixels = leaf
    prompt = {
        "1": node("TilewrightLoadMap", file=f"{name} [input]", kind="basecolor"),
        "2": node("TilewrightSaveMaterial", basecolor=["1", 0], **SAVE | {"name": "annotated"}),
    }
    (file,) = saved_files(server, prompt).values()
    assert np.array_equal(np.asarray(Image.open(file)), pixels[..., :3])


def test_a_packed_single_channel_is_saved_by_comfyui(server, leaf):
    prompt = {
        "1": node("TilewrightLoadMap", file=leaf[0], kind="roughness"),
        "2": node("TilewrightPackChannels", roughness=["1", 0], layout="custom", channels="roughness"),
        "3": node("SaveImage", images=["2", 0], filename_prefix="one_channel"),
    }
    (image,) = run_prompt(server.url, prompt)["3"]["images"]
    assert Image.open(path(server, image)).mode == "RGB"


@pytest.mark.parametrize("file_format", ["PNG", "EXR half", "GLB"])
def test_a_gltf_of_any_name_and_format_finds_its_images(server, leaf, file_format):
    prompt = {
        "1": node("TilewrightLoadMap", file=leaf[0], kind="basecolor"),
        "2": node(
            "TilewrightSaveMaterial",
            basecolor=["1", 0],
            **SAVE | {"name": f"砖 #3 {file_format}", "preset": "glTF", "file_format": file_format},
        ),
    }
    files = saved_files(server, prompt)
    if file_format == "GLB":
        assert list(files) == ["砖 #3 GLB.glb"]
        return
    (scene,) = (file for name, file in files.items() if name.endswith(".gltf"))
    (image,) = json.loads(scene.read_text(encoding="utf-8"))["images"]
    assert image["uri"] == f"%E7%A0%96%20%233%20{file_format.replace(' ', '%20')}_baseColor.png"
    assert (scene.parent / f"砖 #3 {file_format}_baseColor.png").is_file()


def test_normals_of_two_channels_become_a_height_of_the_right_size(server):
    x = torch.arange(64) / 64 * 2 * torch.pi
    slope = (0.3 * torch.sin(x)).expand(64, 64).numpy()
    normal = np.dstack([-slope, np.zeros_like(slope), np.ones_like(slope)])
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    stored = ((normal / 2 + 0.5) * 255).round().astype(np.uint8)
    reading, rises = {"convention": "OpenGL", "method": "scharr", "axes": "both", "size_cm": 64.0}, {}
    for name, pixels in {"whole": stored, "two": stored * np.array([1, 1, 0], np.uint8)}.items():
        Image.fromarray(pixels).save(server.base / f"input/{name}_normal.png")
        prompt = {
            "1": node("TilewrightLoadMap", file=f"{name}_normal.png", kind="detect"),
            "2": node("TilewrightNormalToHeight", normal=["1", 0], **reading),
            "3": node("PreviewAny", source=["2", 1]),
        }
        rises[name] = float(run_prompt(server.url, prompt)["3"]["text"][0])
    assert rises["two"] == pytest.approx(rises["whole"], rel=0.02)
    assert rises["whole"] == pytest.approx(0.6 * 64 / (2 * np.pi), rel=0.02)  # of -0.3 cos(x) * 64 / 2 pi
