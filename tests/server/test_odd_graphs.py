"""Graphs as public bug reports tell of them, through a real server: each gives what it should, or says why not.

Numbers come by links and from scripts, masks and batches in every shape that other nodes make, files of weights and
captions as people have them.
"""

import json
import shutil
import threading
import time
import urllib.request

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tilewright.launch.client import PromptError, run_prompt

RNG = np.random.default_rng(11)
NAN = float("nan")


def node(class_type, /, **inputs):
    return {"class_type": class_type, "inputs": inputs}


def number(value):
    return node("PrimitiveFloat" if isinstance(value, float) else "PrimitiveInt", value=value)


@pytest.fixture(scope="module")
def defaults(server):
    """The default of every widget, by node."""
    with urllib.request.urlopen(f"{server.url}/object_info") as answer:
        infos = json.load(answer)
    return {name: dict(_defaults(info)) for name, info in infos.items()}


def _defaults(info):
    for name, (kind, *facts) in info["input"].get("required", {}).items():
        facts = facts[0] if facts else {}
        if "default" in facts:
            yield name, facts["default"]
        elif kind == "COMBO" and facts.get("options"):
            yield name, facts["options"][0]


@pytest.fixture(scope="module")
def run(server, defaults):
    """Runs a graph, widgets at their defaults where they are not given, and returns all its text."""
    folder = server.base / "input"
    folder.mkdir(exist_ok=True)
    Image.fromarray(RNG.integers(0, 256, (96, 128, 3), dtype=np.uint8)).save(folder / "odd.png")

    def prompt_of(graph):
        known = {"image": node("LoadImage", image="odd.png"), "demo": node("TilewrightDemoModel"), **graph}
        return {
            name: {**one, "inputs": {**defaults[one["class_type"]], **one["inputs"]}}
            for name, one in known.items()
            if name in graph or _is_used(name, graph)
        }

    def run(**graph):
        try:
            outputs = run_prompt(server.url, prompt_of(graph))
        except PromptError as error:
            assert "Traceback" not in str(error)
            return f"refused: {error}"
        return "\n".join(str(text) for shown in outputs.values() for text in shown.get("text", ()))

    return run


def _is_used(name, graph):
    return any([name, slot] in one["inputs"].values() for one in graph.values() for slot in range(8))


def text_of(name, slot):
    return node("PreviewAny", source=[name, slot])


IMAGE, HEIGHT = {"image": ["image", 0]}, {"height": ["image", 0]}
REPORTS = {  # of nodes, the output that says what was done
    "TilewrightHeightToNormal": 1,
    "TilewrightOcclusion": 2,
    "TilewrightCurvature": 4,
    "TilewrightHeightFromImage": 1,
    "TilewrightRoughnessFromImage": 2,
    "TilewrightMakeSeamless": 3,
    "TilewrightOffsetImage": 0,
    "TilewrightTilePreview": 0,
    "TilewrightSaveMaterial": 1,
    "TilewrightRenderProcedural": 2,
}
LINKED = [  # node, its sockets, and a widget with what a link brings; what is said of it
    ("TilewrightHeightToNormal", HEIGHT, "size_cm", 0.0, "surface size (cm) is 0, but 0.01 is the least"),
    ("TilewrightHeightToNormal", HEIGHT, "size_cm", -5.0, "surface size (cm) is -5, but 0.01 is the least"),
    ("TilewrightHeightToNormal", HEIGHT, "height_cm", -5.0, "height depth (cm) is -5, but 0 is the least"),
    ("TilewrightHeightToNormal", HEIGHT, "strength", 1e9, "intensity is 1e+09, but 100 is the most"),
    ("TilewrightOcclusion", HEIGHT, "slices", 0, "is the least"),
    ("TilewrightOcclusion", HEIGHT, "radius_cm", -1.0, "is the least"),
    ("TilewrightCurvature", HEIGHT, "smooth_cm", -1.0, "is the least"),
    ("TilewrightHeightFromImage", IMAGE, "flatten", -5.0, "light removal is -5, but 0 is the least"),
    ("TilewrightHeightFromImage", IMAGE, "gamma", 0.0, "midtones (gamma) is 0, but 0.1 is the least"),
    ("TilewrightHeightFromImage", IMAGE, "clip", 80.0, "is 80, but 20 is the most"),
    ("TilewrightRoughnessFromImage", IMAGE, "roughness", 7.0, "is 7, but 1 is the most"),
    ("TilewrightMakeSeamless", IMAGE, "width", 0, "blend width (px) is 0, but 16 is the least"),
    ("TilewrightOffsetImage", IMAGE, "seam_width", -9, "seam width (px) is -9, but 1 is the least"),
    ("TilewrightOffsetImage", IMAGE, "x", 7.3, "horizontal offset is 7.3, but 1 is the most"),
    ("TilewrightTilePreview", IMAGE, "columns", 0, "columns is 0, but 1 is the least"),
    ("TilewrightSaveMaterial", {"basecolor": ["image", 0]}, "size_cm", 0.0, "surface size (cm) is 0, but"),
    ("TilewrightRenderProcedural", {"size": 64}, "count", 0, "is 0, but 1 is the least"),
    ("TilewrightRenderProcedural", {"size": 64, "count": 1}, "seed", -1, "seed is -1, but 0 is the least"),
]
FROM_SCRIPTS = [  # as Python's json writes and reads it, where other JSON has no NaN
    ("TilewrightHeightToNormal", HEIGHT, "height_cm"),
    ("TilewrightHeightToNormal", HEIGHT, "strength"),
    ("TilewrightOcclusion", HEIGHT, "radius_cm"),
    ("TilewrightOffsetImage", IMAGE, "x"),
    ("TilewrightHeightFromImage", IMAGE, "gamma"),
    ("TilewrightRenderProcedural", {"size": 64, "count": 1}, "variation"),
]


@pytest.mark.parametrize(("name", "sockets", "widget", "value", "said"), LINKED)
def test_a_linked_number_is_held_against_the_range_of_its_widget(run, name, sockets, widget, value, said):
    graph = {"node": node(name, **sockets, **{widget: ["number", 0]}), "number": number(value)}
    assert said in run(**graph, text=text_of("node", REPORTS[name]))


@pytest.mark.parametrize(("name", "sockets", "widget"), FROM_SCRIPTS)
def test_a_number_that_is_none_is_named(run, name, sockets, widget):
    found = run(node=node(name, **sockets, **{widget: NAN}), text=text_of("node", REPORTS[name]))
    assert "is nan, which is no number" in found


@pytest.mark.parametrize("text", ["a\0b", "a\x1bb", "\ud800"])
def test_signs_that_no_file_could_be_read_with_are_named(run, text):
    found = run(node=node("TilewrightTexturePrompt", material=text), text=text_of("node", 0))
    assert "is no letter" in found


@pytest.mark.parametrize("name", ["a\u200bb", "\u202egnp", "soft\u00adhyphen", "\ufeffbom", "tab\tname"])
def test_a_name_in_which_nobody_sees_a_letter_is_refused(run, name):
    found = run(node=node("TilewrightSaveMaterial", basecolor=["image", 0], name=name))
    assert "cannot name a file or folder" in found


@pytest.mark.parametrize(
    "name", ["👩‍🎨 🧱", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "می‌خواهم", "~", "$HOME", "-n"]
)
def test_a_name_that_can_be_seen_is_used_as_it_is(run, server, name):
    run(node=node("TilewrightSaveMaterial", basecolor=["image", 0], name=name))
    assert (server.output / "materials" / name / f"{name}_basecolor.png").is_file()


def batch(name, count):
    return node("RepeatImageBatch", image=[name, 0], amount=count)


MASKS = {  # how other nodes make masks: (graph that ends in "mask", what Crop Region says)
    "of a padded picture, without a batch": (
        {"mask": node("ImagePadForOutpaint", image=["image", 0], left=8, top=0, right=0, bottom=0, feathering=0)},
        "The mask is 136 x 96 pixels, the image 128 x 96",
    ),
    "of a picture without alpha": ({"mask": node("LoadImage", image="odd.png")}, "an empty mask of 64 x 64"),
    "that marks nothing": ({"mask": node("SolidMask", value=0.0, width=128, height=96)}, "The mask marks nothing"),
    "that marks everything": ({"mask": node("SolidMask", value=1.0, width=128, height=96)}, "128 x 96 pixels from"),
    "many for one picture": (
        {
            "many": batch("image", 6),
            "mask": node("ImageToMask", image=["many", 0], channel="red"),
        },
        "pixels from",
    ),
}


@pytest.mark.parametrize("kind", MASKS)
def test_masks_of_other_nodes(run, kind):
    graph, said = MASKS[kind]
    slot = {"ImagePadForOutpaint": 1, "LoadImage": 1}.get(graph["mask"]["class_type"], 0)
    crop = node("TilewrightCropRegion", image=["image", 0], mask=["mask", slot], size=64)
    assert said in run(**graph, node=crop, text=text_of("node", 3))


BATCHES = {
    "TilewrightCombineHeights": ("base", "detail", 3),
    "TilewrightSaveMaterial": ("basecolor", "roughness", 1),
}


@pytest.mark.parametrize("name", BATCHES)
@pytest.mark.parametrize(("first", "second"), [(3, 2), (3, 1), (1, 3)])
def test_batches_of_unlike_numbers_are_named_with_their_numbers(run, name, first, second):
    one, other, slot = BATCHES[name]
    graph = {"one": batch("image", first), "two": batch("image", second)}
    found = run(**graph, node=node(name, **{one: ["one", 0], other: ["two", 0]}), text=text_of("node", slot))
    assert found.startswith("refused") and all(str(count) in found for count in (first, second))


@pytest.mark.parametrize("name", ["TilewrightHeightToNormal", "TilewrightOcclusion", "TilewrightHeightFromImage"])
@pytest.mark.parametrize("opacity", [0.5, 1.0])
def test_an_alpha_that_is_left_out_is_told(run, name, opacity):
    graph = {
        "mask": node("SolidMask", value=1 - opacity, width=128, height=96),
        "whole": node("JoinImageWithAlpha", image=["image", 0], alpha=["mask", 0]),
        "node": node(name, **{"image" if name.endswith("Image") else "height": ["whole", 0]}),
    }
    assert ("its alpha was left out" in run(**graph, text=text_of("node", REPORTS[name]))) == (opacity < 1)


def test_an_upscale_model_says_that_it_takes_no_alpha(run, server):
    from standin_upscaler import write_standin_upscaler

    write_standin_upscaler(server.base / "models" / "upscale_models" / "odd.pth")
    graph = {
        "mask": node("SolidMask", value=0.5, width=128, height=96),
        "whole": node("JoinImageWithAlpha", image=["image", 0], alpha=["mask", 0]),
        "model": node("UpscaleModelLoader", model_name="odd.pth"),
        "node": node("TilewrightUpscaleWithModel", upscale_model=["model", 0], image=["whole", 0]),
    }
    assert "The image has 4 channels, the upscale model takes 3" in run(**graph, text=text_of("node", 1))


LATENTS = {
    "EmptyHunyuanLatentVideo": ({"width": 64, "height": 64, "length": 5}, "The latent has 5 axes"),
    "EmptySD3LatentImage": ({"width": 64, "height": 64}, "The latent has 16 channels, this VAE takes 4"),
    "EmptyLatentImage": ({"width": 16, "height": 1024}, "decoded in tiles of 64 px"),
}


@pytest.mark.parametrize("kind", LATENTS)
def test_latents_of_other_models(run, kind):
    inputs, said = LATENTS[kind]
    decode = node("TilewrightTiledVAEDecode", samples=["latent", 0], vae=["demo", 2], tile_size=64)
    assert said in run(latent=node(kind, **inputs), node=decode, text=text_of("node", 1))


@pytest.mark.parametrize(
    ("width", "height", "axes", "said"),
    [
        (100, 77, "auto", "cropped from 100 x 77 to 96 x 72 pixels, multiples of 8"),
        (64, 8, "auto", "equal to the untiled result"),
        (100, 77, "both", "would crop the rest off"),
        (7, 64, "auto", "at least 8 a side"),
    ],
)
def test_pictures_of_odd_sizes_are_encoded_and_what_is_cut_off_is_told(run, width, height, axes, said):
    picture = node("EmptyImage", width=width, height=height, color=0x808080)
    encode = node("TilewrightTiledVAEEncode", pixels=["picture", 0], vae=["demo", 2], tile_size=64, axes=axes)
    assert said in run(picture=picture, node=encode, text=text_of("node", 1))


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
    assert f"The LoRA to start from, {name}.safetensors" in found and said in found


CAPTIONS = {
    "lines": ("old bricks\r\n\r\nred bricks", "old bricks red bricks", "a caption of several lines"),
    "marked": ("\ufeffbom first", "bom first", ""),
    "choices": ("{red|blue} brick", "{red|blue} brick", "prompt syntax"),
    "embedding": ("embedding:old, brick", "embedding:old, brick", "prompt syntax"),
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
    lines = [line for line in report.splitlines() if f"{name}.txt" in line or said == "prompt syntax" in line]
    assert any(said in line for line in lines) if said else not lines


def test_one_pixel_is_one_flat_colour(captioned):
    assert "blank: one flat colour: pixel.png" in captioned[0]


def test_a_run_whose_models_are_freed_in_the_middle_ends_as_it_would_have(run, server):
    graph = {
        "renders": node("TilewrightRenderProcedural", material="bricks", count=1, size=64, folder="odd renders"),
        "node": node("TilewrightTrainLora", model=["demo", 0], clip=["demo", 1], vae=["demo", 2],
                     dataset=["renders", 0], name="odd freed", steps=6, resolution=64, rank=2),
        "text": text_of("node", 3),
    }  # fmt: skip
    ended = threading.Event()
    freeing = threading.Thread(target=free_again_and_again, args=(server, ended))
    freeing.start()
    try:
        found = run(**graph)
    finally:
        ended.set()
        freeing.join()
    assert "refused" not in found
    again = run(**graph | {"node": {**graph["node"], "inputs": graph["node"]["inputs"] | {"name": "odd unfreed"}}})
    assert "refused" not in again
    one, other = (load_file(server.output / "loras" / f"odd {name}.safetensors") for name in ("freed", "unfreed"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def free_again_and_again(server, ended):
    body = json.dumps({"unload_models": True, "free_memory": True}).encode()
    while not ended.is_set():
        asked = urllib.request.Request(f"{server.url}/free", body, {"Content-Type": "application/json"})
        urllib.request.urlopen(asked).close()
        time.sleep(0.2)
