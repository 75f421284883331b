"""Files of weights and captions as people have them, through a real server."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from small_graphs import Runner, node, text_of

RNG = np.random.default_rng(11)
NAN = float("nan")


@pytest.fixture(scope="module")
def run(server):
    return Runner(server)


@pytest.fixture(scope="module")
def loras(server, tmp_path_factory):
    """LoRA files as they come from the net and from failed runs, in ComfyUI's folder of them."""
    from small_grids import random_lora
    from tilewright.host.demo_model import load_demo_model

    folder = server.base / "models" / "loras" / "odd"
    folder.mkdir(parents=True, exist_ok=True)
    model, clip, _ = load_demo_model()
    good = random_lora(model, clip)
    down = {name for name in good if name.endswith("lora_down.weight")}
    some = sorted(down)[: len(down) // 4]
    kinds = {
        "ranks": {name: torch.cat([value, value]) if name in some else value for name, value in good.items()},
        "alpha": {name: value * NAN if name.endswith("alpha") else value for name, value in good.items()},
        "checkpoint": {"model.diffusion_model.out.weight": torch.zeros(2, 2)},
        "nothing": {},
        "Good": good,
    }
    for name, tensors in kinds.items():
        save_file({key: value.contiguous() for key, value in tensors.items()}, folder / f"{name}.safetensors")
    whole = (folder / "Good.safetensors").read_bytes()
    pickled = tmp_path_factory.mktemp("weights") / "lora.pt"
    torch.save(load_file(folder / "Good.safetensors"), pickled)
    for name, content in {
        "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n",
        "page": b"<!DOCTYPE html><html>",
        "refused": b'{"error": "not authorised"}',
        "empty": b"",
        "part": whole[: len(whole) // 2],
        "longer": whole + bytes(1000),
        "torch": pickled.read_bytes(),
    }.items():
        (folder / f"{name}.safetensors").write_bytes(content)
    shutil.copyfile(pickled, folder / "by torch.pt")
    return folder


UNREADABLE = {
    "pointer": "a pointer of Git LFS",
    "page": "a web page",
    "refused": "a text in JSON",
    "empty": "cannot be read: it is empty",
    "part": "damaged or copied only in part",
    "longer": "damaged or copied only in part",
    "torch": "a file of PyTorch, whatever its name says",
    "nothing": "holds no weights at all",
}
USED = {
    "ranks": "layers do not fit the model",
    "alpha": "tensors hold NaN or infinite values",
    "by torch": "pictures in",
}


def grid(lora, **inputs):
    small = {"strengths": "1", "seeds": "1", "prompts": "brick wall", "width": 64, "height": 64, "steps": 1}
    small["name"] = "odd grid"
    models = {"model": ["demo", 0], "clip": ["demo", 1], "vae": ["demo", 2]}
    return {
        "node": node("TilewrightLoraGrid", **models, loras=lora, **small | inputs),
        "text": text_of("node", 3),
    }


@pytest.mark.parametrize("name", [*UNREADABLE, *USED, "checkpoint"])
def test_lora_files_of_every_kind_in_a_grid(run, loras, name):
    said = (UNREADABLE | USED | {"checkpoint": "holds no layers of a LoRA, but such as model.diffusion_model"})[name]
    assert said in run(**grid(f"odd/{name}"))


def test_every_file_is_looked_at_before_the_first_picture_is_painted(run, loras, server):
    assert "part.safetensors cannot be read" in run(**grid("odd/Good\nodd/part", name="odd unpainted"))
    assert not list((server.output / "grids" / "odd unpainted").rglob("*.png"))


def test_the_nearest_name_is_found_whatever_its_case(run, loras):
    assert "The nearest names:\n  odd/Good.safetensors" in run(**grid("ODD/GOOD"))


@pytest.mark.parametrize("name", ["pointer", "part", "torch", "alpha"])
def test_lora_files_of_every_kind_to_start_from(run, loras, name):
    said = (UNREADABLE | {"alpha": "holds NaN or infinite values"})[name]
    graph = {
        "renders": node("TilewrightRenderProcedural", material="bricks", count=1, size=64, folder="odd renders"),
        "network": node("TilewrightLoraNetwork", start_from=f"odd/{name}.safetensors"),
        "node": node("TilewrightTrainLora", model=["demo", 0], clip=["demo", 1], vae=["demo", 2],
                     dataset=["renders", 0], network=["network", 0], name="odd start", steps=1, resolution=64, rank=2),
    }  # fmt: skip
    found = run(**graph)
    assert f"The LoRA to start from, odd/{name}.safetensors," in found and said in found


CAPTIONS = {
    "lines": ("old bricks\r\n\r\nred bricks", "old bricks red bricks", "a caption of several lines"),
    "marked": ("\ufeffbom first", "bom first", ""),
    "choices": ("{red|blue} brick", "{red|blue} brick", ""),
    "embedding": ("embedding:old, brick", "embedding:old, brick", ""),
    "emoji": ("💥🧱 wall, кирпич, חומה", "💥🧱 wall, кирпич, חומה", ""),
    "separators": ("a\u2028b\u2029c", "a b c", "a caption of several lines"),
    "quoted": ('"quoted", back\\slash,\ttab', '"quoted", back\\slash, tab', ""),
    "long": ("brick, " * 4000, ("brick, " * 4000).strip(), ""),
}


@pytest.fixture(scope="module")
def captioned(run, server):
    """What was said of a folder with captions of every kind, and the captions that Save Dataset wrote."""
    folder = server.base / "input" / "odd captions"
    folder.mkdir(exist_ok=True)
    for name, (caption, *_) in CAPTIONS.items():
        shutil.copyfile(server.base / "input" / "odd.png", folder / f"{name}.png")
        (folder / f"{name}.txt").write_text(caption, encoding="utf-8", newline="")
    Image.fromarray(RNG.integers(0, 256, (1, 1, 3), dtype=np.uint8)).save(folder / "pixel.png")
    report = run(
        load=node("TilewrightLoadDataset", folder="odd captions", image_limit=0),
        clean=node("TilewrightCleanDataset", dataset=["load", 0], min_side=0, reject_duplicates=False),
        node=node("TilewrightSaveDataset", dataset=["load", 0], folder="odd captions", concept="wall"),
        text=text_of("load", 3),
        cleaned=text_of("clean", 2),
    )
    written = server.output / "datasets" / "odd captions" / "train" / "1_wall"
    return report, {path.stem: path.read_text(encoding="utf-8").removesuffix("\n") for path in written.glob("*.txt")}


@pytest.mark.parametrize("name", CAPTIONS)
def test_captions_as_people_write_them(captioned, name):
    report, written = captioned
    assert written[name] == CAPTIONS[name][1]
    said = CAPTIONS[name][2]
    lines = [line for line in report.splitlines() if f"{name}.txt" in line]
    assert any(said in line for line in lines) if said else not lines


@pytest.mark.parametrize("name", ["choices", "embedding"])
def test_each_kind_of_prompt_syntax_in_a_caption_is_told(run, server, name):
    """In a folder of its own, for what is told is their count."""
    folder = server.base / "input" / f"odd {name}"
    folder.mkdir(exist_ok=True)
    shutil.copyfile(server.base / "input" / "odd.png", folder / "odd.png")
    (folder / "odd.txt").write_text(CAPTIONS[name][0], encoding="utf-8")
    report = run(load=node("TilewrightLoadDataset", folder=f"odd {name}", image_limit=0), text=text_of("load", 3))
    assert "\n1 caption holds prompt syntax such as " in report


def test_captions_with_prompt_syntax_are_counted(captioned):
    assert "\n2 captions hold prompt syntax such as " in captioned[0]


def test_one_pixel_is_one_flat_colour(captioned):
    assert "blank: one flat colour: pixel.png" in captioned[0]
