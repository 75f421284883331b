"""Which maps go into which files and channels, for an engine's preset."""

from collections.abc import Mapping

import torch

from ..common.conventions import flip_green
from ..common.errors import InputError
from ..common.map_kinds import COLOR_MAPS
from .engine_presets import MAPS, MapFile, Preset
from .normal_encodings import rebuild_normals
from .packing import pack_channels, parse_channel

OPAQUE = 1 - 0.5 / 255  # what rounds to 1 in 8 bits


def check_batches(maps: Mapping[str, torch.Tensor]) -> None:
    """Raise `InputError` where the batches of `maps`, (B, C, H, W) by name, differ in size or there is no map."""
    if not maps:
        raise InputError("No map is connected. Connect at least one of: " + ", ".join(MAPS) + ".")
    sizes = {name: len(pixels) for name, pixels in maps.items()}
    if len(set(sizes.values())) > 1:
        found = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InputError(
            f"The maps come in batches of different size: {found}. One material needs one image of each map; "
            "make the batches equal."
        )


def engine_normals(maps: Mapping[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], list[str]]:
    """The maps with their normals as every engine reads them, in 0..1 of three channels, and what was rebuilt."""
    if "normal" not in maps:
        return dict(maps), []
    if maps["normal"].shape[1] < 2:
        raise InputError("The normal map has one channel. A normal map has three; connect an RGB image.")
    normals, notes = rebuild_normals(maps["normal"], "The normal map")
    return dict(maps) | {"normal": normals}, notes


def arrange(
    maps: Mapping[str, torch.Tensor], preset: Preset, convention: str
) -> tuple[dict[MapFile, torch.Tensor], list[str]]:
    """The images (B, C, H, W) that a preset makes of the maps, and what was filled in, flipped or left out."""
    maps = {name: _with_channels(name, pixels) for name, pixels in maps.items()}
    maps, notes = opacity_of_alpha(maps, preset)
    if "normal" in maps and preset.convention not in ("", convention):
        maps["normal"] = flip_green(maps["normal"])
        notes.append(f"normal: green flipped from {convention} to {preset.convention}.")
    images = {}
    for file in preset.files:
        channels = [parse_channel(channel, MAPS) for channel in file.channels]
        if not any(channel.map in maps for channel in channels):
            continue
        if file.alpha and _is_there(file.alpha, maps):
            channels.append(parse_channel(file.alpha, MAPS))
        images[file], filled = pack_channels(maps, channels)
        notes += [f"{file.suffix}: {note}" for note in filled]
    return images, [*notes, *_left_out(maps, images)]


def opacity_of_alpha(maps: Mapping[str, torch.Tensor], preset: Preset) -> tuple[dict[str, torch.Tensor], list[str]]:
    """The maps with the basecolor's alpha as opacity where the preset has a place for it and no opacity is there.

    Alpha that is 1 throughout says nothing and stays out. The second result says what became of it.
    """
    basecolor = maps.get("basecolor")
    if basecolor is None or basecolor.shape[1] < 4 or float(basecolor[:, 3].amin()) >= OPAQUE:
        return dict(maps), []
    if "opacity" in maps:
        kept = any(file.alpha == "basecolor.a" for file in preset.files)
        return dict(maps), [] if kept else ["basecolor: its alpha was left out, since there is an opacity map."]
    if preset.keeps_alpha or "opacity" not in {source for file in preset.files for source in _sources(file)}:
        return dict(maps), []
    return dict(maps) | {"opacity": basecolor[:, 3:]}, ["opacity: taken from the basecolor's alpha."]


def _left_out(maps: Mapping[str, torch.Tensor], images: Mapping[MapFile, torch.Tensor]) -> list[str]:
    sources = {source for file in images for source in _sources(file)}
    used = {source.split(".")[0].removeprefix("1-") for source in sources}
    unassigned = [name for name in sorted(maps) if name not in used]
    notes = [f"{name}: has no file in this preset and was not written." for name in unassigned]
    if "opacity" in unassigned and "basecolor" not in maps:
        notes.append("opacity: this preset keeps it in the alpha of the basecolor, and no basecolor is connected.")
    with_alpha = [name for name in maps if name != "basecolor" and maps[name].shape[1] == 4 and name in used]
    lost = [name for name in with_alpha if float(maps[name][:, 3].amin()) < OPAQUE]
    return [*notes, *(f"{name}: its alpha was not written: only a basecolor has one." for name in lost)]


def _with_channels(name: str, pixels: torch.Tensor) -> torch.Tensor:
    return pixels.expand(-1, 3, -1, -1) if name in COLOR_MAPS and pixels.shape[1] == 1 else pixels


def _sources(file: MapFile) -> tuple[str, ...]:
    return (*file.channels, file.alpha)


def _is_there(channel: str, maps: Mapping[str, torch.Tensor]) -> bool:
    name, _, component = channel.partition(".")
    return name in maps and (component != "a" or maps[name].shape[1] == 4)
