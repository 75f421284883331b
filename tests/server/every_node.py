"""The smallest graphs that run a node, built from what the server tells of it: a new node needs nothing here.

A required socket is fed by a host node of that type, or by a node of the pack that makes it. A widget has its default,
but for those of `SMALL`, which would take minutes, and of `NAMED`, which name a file that has to be there.
"""

import io
import json
import urllib.request

import numpy as np
import py7zr
from PIL import Image
from random_captioners import write_blip, write_florence
from safetensors.torch import save_file
from sd_scripts_stand_in.checkout import Checkout, write_checkpoint
from small_grids import random_lora
from standin_upscaler import write_standin_upscaler
from tilewright.common.map_kinds import MAP_KINDS
from tilewright.host.demo_model import load_demo_model

PREFIX = "Tilewright"
RENDERED = (
    "TilewrightRenderProcedural",
    {"material": "bricks", "count": 3, "size": 256, "seed": 0, "folder": "every_node"},
    0,
)
SOURCES = {  # socket type -> node, inputs, output
    "MODEL": ("TilewrightDemoModel", {}, 0),
    "CLIP": ("TilewrightDemoModel", {}, 1),
    "VAE": ("TilewrightDemoModel", {}, 2),
    "IMAGE": ("EmptyImage", {"width": 256, "height": 256, "batch_size": 1, "color": 0x8080FF}, 0),  # a flat normal map
    "MASK": ("SolidMask", {"value": 1.0, "width": 256, "height": 256}, 0),
    "LATENT": ("EmptyLatentImage", {"width": 64, "height": 64, "batch_size": 1}, 0),
    "UPSCALE_MODEL": ("UpscaleModelLoader", {"model_name": "every_node.pth"}, 0),
    "TEXTURE_DATASET": (
        "TilewrightCaptionTemplate",
        {"dataset": RENDERED, "template": "{trigger}", "trigger": "twtexture", "class_name": "texture"},
        0,
    ),
}
OTHER = {"other": {"material": "planks", "folder": "every_node_other"}}  # an input that wants another than the source
FED = {  # optional sockets, or ones that want another source
    ("TilewrightMaterialSetDataset", "dataset"): (
        "TilewrightLoadDataset",
        {"folder": "every_node_images", "map": "any"},
        0,
    ),
    ("TilewrightGivenMaps", "basecolor"): SOURCES["IMAGE"],
    ("TilewrightStitchRegion", "mask"): SOURCES["MASK"],  # or a region
}
SMALL = {"steps": 1, "resolution": 64, "size": 64, "count": 1, "rank": 2, "alpha": 2.0}
OWN = {
    "TilewrightLoraGrid": {"width": 64, "height": 64, "strengths": "0 1", "seeds": "1", "prompts": "brick wall"},
    "TilewrightScoreImages": {"prompts": "brick wall"},
    "TilewrightMaterialSetModel": {"maps": "basecolor, normal"},
    "TilewrightSplitMaterialSet": {"maps": "normal"},  # of the one image that is its source
}
NAMED = {
    "archive": "every_node.sbsar",
    "folder": "every_node_images",
    "file": "every_node.png",
    "checkpoint": "every_node.safetensors",
    "loras": "every_node",
    "list": "http://127.0.0.1:1/every_node.png",
}
OF_FILES = {  # their choices are the user's files
    "checkpoint", "diffusion_model", "file", "start_from", "text_encoder", "text_encoder_2", "text_encoder_3", "vae",
}  # fmt: skip
INSTEAD = {"opacity_mask"}  # stand for another input, and are refused beside it
WANTED = {  # optional sockets that a choice needs
    ("training", "ControlNet"): "conditioning",
    ("layout", "HDRP mask (Unity)"): "alpha",
    ("layout", "metallic smoothness (Unity URP)"): "alpha",
}
SBSAR = """<?xml version="1.0"?><sbsdescription><graphs><graph pkgurl="pkg://Bricks"><outputs>
<output uid="1" identifier="basecolor"/></outputs><inputs/></graph></graphs></sbsdescription>"""


def write_files(server):
    """The files that widgets name, and the stand-in for sd-scripts beside ComfyUI's folders."""
    models, given = server.base / "models", server.base / "input"
    (given / "every_node_images").mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    Image.fromarray(noise).save(given / "every_node.png")
    for kind in MAP_KINDS:
        Image.fromarray(noise).save(given / "every_node_images" / f"wall_{kind}.png")
    with py7zr.SevenZipFile(given / "every_node.sbsar", "w") as archive:
        archive.writef(io.BytesIO(SBSAR.encode()), "assemblies/content/0000/Bricks.xml")
    write_checkpoint(models / "checkpoints" / "every_node.safetensors", "SD1")
    model, clip, _ = load_demo_model()
    (models / "loras").mkdir(parents=True, exist_ok=True)
    save_file(random_lora(model, clip), models / "loras" / "every_node.safetensors")
    write_standin_upscaler(models / "upscale_models" / "every_node.pth")
    for name, write in (("blip-image-captioning-base", write_blip), ("Florence-2-base", write_florence)):
        if not (models / "captioners" / name).exists():
            write(models / "captioners" / name)
    Checkout(server.base / "sd-scripts").behave()


def node_infos(server):
    """What the server tells of every node of the pack."""
    with urllib.request.urlopen(f"{server.url}/object_info") as answer:
        listed = json.load(answer)
    return {name: node for name, node in sorted(listed.items()) if name.startswith(PREFIX)}


def variations(info):
    """The widgets to set beside the defaults: none, then each other choice of each combo and switch."""
    return [{}, *(change for name, kind, facts in _inputs(info) for change in _changes(name, kind, facts))]


def _changes(name, kind, facts):
    if kind == "COMFY_DYNAMICCOMBO_V3":
        for option in facts["options"]:
            yield {name: option["key"]}
            inner = [(f"{name}.{one}", *told) for part in option["inputs"].values() for one, told in part.items()]
            yield from ({name: option["key"], **change} for one in inner for change in _changes(*one))
    elif kind == "COMBO" and name not in OF_FILES:
        yield from ({name: choice} for choice in facts["options"] if choice != _default(kind, facts))
    elif kind == "BOOLEAN":
        yield {name: not facts["default"]}


def _inputs(info):
    """(name, type, facts) of every input."""
    for part in ("required", "optional"):
        for name, (kind, *facts) in info["input"].get(part, {}).items():
            yield name, kind, facts[0] if facts else {}


def _default(kind, facts):
    return facts.get("default", facts["options"][0] if kind == "COMBO" and facts["options"] else None)


class Graph:
    """A prompt in the making: sources are shared, and what comes out of a node is looked at."""

    def __init__(self, infos):
        self.infos, self.prompt, self.sources = infos, {}, {}

    def add(self, node, changes, number):
        """Put in `node` with its defaults but for `changes`; returns its id. number keeps what it writes apart."""
        info = self.infos[node]
        inputs = dict(self._widgets(info, changes, number))
        wanted = {WANTED.get(item) for item in changes.items()}
        sockets = [(name, kind) for name, kind, facts in _inputs(info) if name not in inputs and "default" not in facts]
        required = {name for name, _ in sockets if name in info["input"].get("required", {})}
        for name, kind in sockets:
            if (node, name) in FED:
                inputs[name] = self._link(FED[node, name], {})
            elif name in wanted or name in required or (not required and name not in INSTEAD):
                inputs[name] = self.source(kind, OTHER.get(name, {}))
        added = self._put(node, inputs)
        if not info["output_node"]:
            self._put("PreviewAny", {"source": [added, 0]})
        return added

    def source(self, kind, changes):
        """A link to something of that type."""
        key = (kind, *changes.items())
        if key not in self.sources:
            if kind in SOURCES:
                self.sources[key] = self._link(SOURCES[kind], changes)
            else:
                node = next(name for name, info in self.infos.items() if kind in info["output"])
                self.sources[key] = [self.add(node, changes, 0), self.infos[node]["output"].index(kind)]
        return self.sources[key]

    def _link(self, source, changes):
        node, inputs, slot = source
        known = {
            name: self._link(value, changes) if isinstance(value, tuple) else value for name, value in inputs.items()
        }
        return [self._put(node, known | {name: value for name, value in changes.items() if name in known}), slot]

    def _widgets(self, info, changes, number):
        for name, kind, facts in _inputs(info):
            if kind == "COMFY_DYNAMICCOMBO_V3":
                chosen = changes.get(name, facts["options"][0]["key"])
                option = next(one for one in facts["options"] if one["key"] == chosen)
                yield name, chosen
                for part in option["inputs"].values():
                    for inner, (inner_kind, inner_facts) in part.items():
                        yield f"{name}.{inner}", changes.get(f"{name}.{inner}", _default(inner_kind, inner_facts))
            elif name in changes:
                yield name, changes[name]
            elif name == "name" or (name == "folder" and "datasets/" not in facts.get("default", "")):
                yield name, f"every node {number}"
            elif name in NAMED and kind in ("STRING", "COMBO"):
                yield name, NAMED[name]
            elif kind in ("INT", "FLOAT", "STRING") and name in (small := SMALL | OWN.get(info["name"], {})):
                yield name, small[name]
            elif kind == "COMBO" or "default" in facts:
                yield name, _default(kind, facts)

    def _put(self, node, inputs):
        added = str(len(self.prompt) + 1)
        self.prompt[added] = {"class_type": node, "inputs": inputs}
        return added
