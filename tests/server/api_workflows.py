"""What the tests of workflows/api share: reading a file, making it small, and looking at what came out."""

import copy
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tilewright.common.images import read_image
from tilewright.common.seams import seam_statistics

API = Path(__file__).resolve().parents[2] / "workflows" / "api"
NAMES = sorted(file.stem for file in API.glob("*.json"))


def load(name):
    return json.loads((API / f"{name}.json").read_text(encoding="utf-8"))


def with_widgets(prompt, **widgets):
    """The prompt with other widget values, given by class of node: `KSampler={"steps": 2}`."""
    changed = copy.deepcopy(prompt)
    for class_type, values in widgets.items():
        for node in changed.values():
            if node["class_type"] == class_type:
                assert values.keys() <= node["inputs"].keys()
                node["inputs"] |= values
    return changed


def of_class(prompt, class_type):
    return next(node_id for node_id, node in prompt.items() if node["class_type"] == class_type)


def titled(prompt, title):
    return next(node_id for node_id, node in prompt.items() if node["_meta"]["title"] == title)


def path(server, image):
    root = server.base / "temp" if image["type"] == "temp" else server.output
    return root / image["subfolder"] / image["filename"]


def picture(server, image):
    return np.asarray(Image.open(path(server, image)))


def pixels(file):
    """A file at full precision, (1, C, H, W) in 0..1."""
    return read_image(file)[None]


def seams(pixels):
    """Of an 8-bit picture (H, W, 3), across and down."""
    return seams_of(torch.from_numpy(pixels.copy()).movedim(-1, 0)[None])


def seams_of(image):
    return [seam_statistics(image.double(), axis) for axis in ("x", "y")]
