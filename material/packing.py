"""Several grey maps in the channels of one image.

A channel is written as a person would say it: `roughness`, `1-roughness` (inverted), `basecolor.g` (one channel of a
colour map), or a number from 0 to 1.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from ..common.errors import InputError
from .map_inputs import check_same_size, single_channel

LAYOUTS = {
    "ORM, ARM (Unreal, Godot, glTF)": ("occlusion", "roughness", "metallic"),
    "HDRP mask (Unity)": ("metallic", "occlusion", "1", "1-roughness"),
    "metallic smoothness (Unity URP)": ("metallic", "metallic", "metallic", "1-roughness"),
    "RMA": ("roughness", "metallic", "occlusion"),
}
# What stands for a map that is not connected: nothing hidden, half rough, no metal, no detail.
NEUTRAL = {"occlusion": 1.0, "roughness": 0.5, "metallic": 0.0, "height": 0.5, "opacity": 1.0}
_COMPONENTS = "rgba"
_CHANNEL = re.compile(r"(?P<inverted>1\s*-\s*)?(?P<map>[a-z]+)(\.(?P<component>[rgba]))?")


@dataclass(frozen=True)
class Channel:
    """Where one channel comes from: a map's channel (its grey value for component None), or a constant."""

    map: str = ""
    component: str | None = None
    inverted: bool = False
    constant: float = 0.0


def parse_channel(text: str, maps: Sequence[str]) -> Channel:
    """Read `roughness`, `1-roughness`, `basecolor.g` or a number; raises `InputError` for anything else."""
    words = text.strip().lower()
    try:
        constant = float(words)
    except ValueError:
        found = _CHANNEL.fullmatch(words)
        if found and found["map"] in maps:
            return Channel(found["map"], found["component"], bool(found["inverted"]))
    else:
        if 0 <= constant <= 1:
            return Channel(constant=constant)
    raise InputError(
        f"{text.strip()!r} is not a channel. Write a map ({', '.join(maps)}), '1-' before it to invert it, '.r', '.g', "
        "'.b' or '.a' behind it for one of its channels, or a number from 0 to 1."
    )


def pack_channels(maps: Mapping[str, torch.Tensor], channels: Sequence[Channel]) -> tuple[torch.Tensor, list[str]]:
    """Pack maps, (B, C, H, W) by name, into (B, len(channels), H, W), and say which ones were filled in.

    A map that is missing becomes its `NEUTRAL` value. Raises `InputError` where the maps differ in size and
    where there is none at all.
    """
    used = {channel.map: maps[channel.map] for channel in channels if channel.map in maps}
    if len(channels) > 4:
        raise InputError(f"There are {len(channels)} channels. An image has four at most: red, green, blue and alpha.")
    if not used:
        raise InputError("None of the maps to pack is connected. Connect at least one of them.")
    check_same_size(used)
    like = next(iter(used.values()))[:, :1]
    missing = dict.fromkeys(channel.map for channel in channels if channel.map and channel.map not in maps)
    notes = [f"There is no {name} map; {NEUTRAL.get(name, 0.0):g} stands for it." for name in missing]
    return torch.cat([_channel(used, channel, like) for channel in channels], dim=1), notes


def _channel(maps: Mapping[str, torch.Tensor], channel: Channel, like: torch.Tensor) -> torch.Tensor:
    if channel.map not in maps:
        value = NEUTRAL.get(channel.map, 0.0) if channel.map else channel.constant
        return torch.full_like(like, 1 - value if channel.inverted else value)
    pixels = maps[channel.map]
    values = single_channel(pixels)[0] if channel.component is None else _component(channel, pixels)
    return 1 - values if channel.inverted else values


def _component(channel: Channel, pixels: torch.Tensor) -> torch.Tensor:
    index = _COMPONENTS.index(channel.component)
    if index >= pixels.shape[1]:
        raise InputError(f"The {channel.map} map has {pixels.shape[1]} channels, so there is no .{channel.component}.")
    return pixels[:, index : index + 1]
