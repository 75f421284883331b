"""Several grey maps in the channels of one image.

A channel is written as a person would say it: `roughness`, `1-roughness` (inverted), `basecolor.g` (one channel of a
colour map), or a number from 0 to 1.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from ..common.errors import InputError
from .engine_presets import GREY_MAPS
from .map_inputs import check_same_size, single_channel

LAYOUTS = {
    "ORM, ARM (Unreal, Godot, glTF)": ("occlusion", "roughness", "metallic"),
    "HDRP mask (Unity)": ("metallic", "occlusion", "1", "1-roughness"),
    "metallic smoothness (Unity URP)": ("metallic", "metallic", "metallic", "1-roughness"),
    "RMA": ("roughness", "metallic", "occlusion"),
}
CUSTOM = "custom"
UNPACK_LAYOUTS: dict[str, tuple[str, ...]] = {
    **LAYOUTS,
    "MRA": ("metallic", "roughness", "occlusion"),
    "gloss": ("1-roughness",),
    CUSTOM: (),
}
SYNONYMS = {"ao": "occlusion", "metalness": "metallic"}
SKIPPED = ("-", "")
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
        name = SYNONYMS.get(found["map"], found["map"]) if found else ""
        if found and name in maps:
            return Channel(name, found["component"], bool(found["inverted"]))
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


def parse_unpacking(words: Sequence[str]) -> list[Channel | None]:
    """The maps of an image's channels, as `pack_channels` names them; None for one that holds none ('-', a number).

    Raises `InputError` for anything else, and where there are more than four.
    """
    if len(words) > 4:
        raise InputError(f"There are {len(words)} channels. An image has four at most: red, green, blue and alpha.")
    channels = [None if word.strip() in SKIPPED else parse_channel(word, sorted(GREY_MAPS)) for word in words]
    if any(channel and channel.component for channel in channels):
        raise InputError("A packed channel is a whole grey map: write it without '.r', '.g', '.b' or '.a'.")
    found = [channel if channel and channel.map else None for channel in channels]
    if not any(found):
        raise InputError(f"No channel is a map. Write one of {', '.join(sorted(GREY_MAPS))} for each channel.")
    return found


def unpack_channels(
    image: torch.Tensor, channels: Sequence[Channel | None], wanted: Sequence[str]
) -> tuple[dict[str, torch.Tensor], list[str]]:
    """The grey maps `wanted`, (B, 1, H, W) by name, out of a packed image (B, C, H, W), and where each came from.

    A map that lies in several channels is taken from the first, one that lies in none becomes its `NEUTRAL` value.
    Raises `InputError` where the image has too few channels.
    """
    last = max(index for index, channel in enumerate(channels) if channel)
    if last >= image.shape[1]:
        raise InputError(
            f"The layout needs {last + 1} channels, and the image has {image.shape[1]}. Connect the file's alpha, "
            "which Load Map gives as a mask, or choose another layout."
        )
    maps: dict[str, torch.Tensor] = {}
    notes = []
    for letter, plane, channel in zip("RGBA", image.split(1, dim=1), channels, strict=False):
        if channel and channel.map not in maps:
            maps[channel.map] = 1 - plane if channel.inverted else plane
            notes.append(f"{channel.map}: {'1-' if channel.inverted else ''}{letter}")
    for name in wanted:
        if name not in maps:
            maps[name] = torch.full_like(image[:, :1], NEUTRAL[name])
            notes.append(f"{name}: not in this layout; {NEUTRAL[name]:g} stands for it")
    return maps, notes


def shown_channels(image: torch.Tensor) -> torch.Tensor:
    """(B, C, H, W) with the three or four channels that ComfyUI's nodes take: grey repeated, a third channel 0."""
    if image.shape[1] == 1:
        return image.expand(-1, 3, -1, -1)
    return torch.cat([image, torch.zeros_like(image[:, :1])], dim=1) if image.shape[1] == 2 else image


def _channel(maps: Mapping[str, torch.Tensor], channel: Channel, like: torch.Tensor) -> torch.Tensor:
    if channel.map not in maps:
        value = NEUTRAL.get(channel.map, 0.0) if channel.map else channel.constant
        return torch.full_like(like, 1 - value if channel.inverted else value)
    pixels = maps[channel.map]
    values = single_channel(pixels)[0] if channel.component is None else _component(channel, pixels)
    return 1 - values if channel.inverted else values


def _component(channel: Channel, pixels: torch.Tensor) -> torch.Tensor:
    index = _COMPONENTS.index(channel.component or "r")
    if index >= pixels.shape[1]:
        raise InputError(f"The {channel.map} map has {pixels.shape[1]} channels, so there is no .{channel.component}.")
    return pixels[:, index : index + 1]
