"""The picture that a Load Map or Load Image node will give: nodes after it show their maps before any run."""

import base64
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ...common.axes import AXES_OPTIONS, Axes
from ...common.errors import InputError
from ...common.image_headers import Header, read_header, told_as_unreadable
from ...common.layout import to_bhwc
from ...common.map_files import KEEP, LIGHT_OPTIONS, Reading
from ...common.map_kinds import MAP_KINDS
from ...material.debanding import deband_batch
from ...material.height_from_image import SOURCES, choose_channel
from ...material.live_heights import live_height
from ...material.load_map import load_map
from ...material.map_inputs import read_height, read_map
from ..folders import input_file, map_file
from .pictures import stamp
from .serving import Reply, Route, text

LOADERS = ("TilewrightLoadMap", "LoadImage")
LARGEST = 8192 * 8192  # pixels


def height(asked: Mapping[str, Any]) -> Reply:
    """The height in the file of a loader node, or a channel of it: `live_height` with its files as data: addresses.

    stamp: of the file as whoever asks has seen it; where that still holds, the answer is that it is the same.
    """
    loader = one_of(asked, "loader", LOADERS)
    axes = one_of(asked, "axes", AXES_OPTIONS)
    name = text(asked, "file", 1000)
    path = input_file(name) if loader == "LoadImage" else map_file(name)
    with told_as_unreadable(path):
        now = stamp(path)
        if text(asked, "stamp") == now:
            return Reply({"same": True})
        header = read_header(path)
    _check_size(path.name, header, all_pictures=loader == "LoadImage")
    image = _by_load_image(name) if loader == "LoadImage" else _by_load_map(path, asked)
    if "channel" in asked:
        channel = one_of(asked, "channel", SOURCES)
        heights, smooth = choose_channel(read_map(image, "The image")[0], channel), None
    else:
        heights = read_height(image)[0]
        smooth = deband_batch(heights, Axes.parse(axes))[0]
    files, facts = live_height(heights, smooth)
    inline = {name: f"data:image/png;base64,{base64.b64encode(png).decode()}" for name, png in files.items()}
    return Reply(facts | {"axes": axes, "files": inline, "stamp": now})


def _check_size(name: str, header: Header, all_pictures: bool) -> None:
    pictures = header.pictures if all_pictures else 1
    if header.width * header.height * pictures > LARGEST:
        size = f"{header.width} x {header.height} pixels" + f", {pictures} times" * (pictures > 1)
        raise InputError(f"{name} is {size}: too large to be shown before a run.")


def one_of(asked: Mapping[str, Any], name: str, choices: tuple[str, ...] | list[str]) -> str:
    """The text `name` of a request. Raises `InputError` where it is none of `choices`."""
    value = text(asked, name)
    if value not in choices:
        raise InputError(f"{name} must be one of {', '.join(choices)}.")
    return value


def _by_load_map(path: Path, asked: Mapping[str, Any]) -> torch.Tensor:
    kind = one_of(asked, "kind", ["detect", *MAP_KINDS])
    reading = Reading(one_of(asked, "light", LIGHT_OPTIONS), text(asked, "layer").strip(), not_finite=KEEP)
    return to_bhwc(load_map(path, "" if kind == "detect" else kind, reading).pixels[:, :3])


def _by_load_image(name: str) -> torch.Tensor:
    """As ComfyUI's own node reads it, which is not how this pack reads 16 bits."""
    host_nodes = importlib.import_module("nodes")  # ComfyUI's: for mypy the name is this pack's own package
    image: torch.Tensor = host_nodes.LoadImage().load_image(name.strip())[0]
    return image


ROUTES = [
    Route(
        "GET",
        "/tilewright/height",
        height,
        "Reads one image of the folders that a graph may read: input, output, temp and those the user opened.",
        one_at_a_time=True,
    )
]
