"""A material as a folder of image files, one per map, with a `material.json` that says what they are."""

from collections.abc import Mapping
from itertools import count
from pathlib import Path

import torch

from ..common.errors import InputError
from ..common.files import check_name, write_json
from ..common.images import write_png
from ..common.map_kinds import COLOR_MAPS
from .map_inputs import single_channel

MAPS = ["basecolor", "height", "normal", "roughness", "metallic", "occlusion", "opacity", "emissive"]
GREY_MAPS = {"height", "roughness", "metallic", "occlusion", "opacity"}
IF_EXISTS = ["number", "overwrite"]
BIT_DEPTHS = ["16 for data maps", "8", "16"]
DESCRIPTION = "material.json"
FORMAT = "tilewright-material"
VERSION = 1


def map_bits(map_name: str, bit_depth: str) -> int:
    """Bits a channel for one of `MAPS` under one of `BIT_DEPTHS`: colours show no steps at 8 bits, heights do."""
    if bit_depth == "16 for data maps":
        return 8 if map_name in COLOR_MAPS else 16
    return int(bit_depth)


def check_batches(maps: Mapping[str, torch.Tensor]) -> None:
    """Raise `InputError` where the batches of `maps`, (B, C, H, W) by name, differ in size."""
    sizes = {name: len(pixels) for name, pixels in maps.items()}
    if len(set(sizes.values())) > 1:
        found = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InputError(
            f"The maps come in batches of different size: {found}. One material needs one image of each map; "
            "make the batches equal."
        )


def claim_folder(parent: Path, name: str, if_exists: str) -> Path:
    """Make the folder of material `name`. If it exists, "overwrite" takes it and "number" makes `name_2`, ..."""
    if if_exists == "overwrite":
        folder = parent / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    for number in count(1):
        folder = parent / (name if number == 1 else f"{name}_{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder


def save_material(
    parent: Path,
    name: str,
    maps: Mapping[str, torch.Tensor],
    bit_depth: str,
    if_exists: str,
    facts: Mapping[str, object],
    text: Mapping[str, str],
) -> tuple[Path, list[Path], str]:
    """Write a material below `parent`: the folder, the image files, and a report in words.

    maps are (B, C, H, W) in 0..1 by their name in `MAPS`. Raises `InputError` for a bad name, no map at all, batches
    that do not match and a folder that cannot be written.
    """
    name = check_name(name, "The name")
    if not maps:
        raise InputError("No map is connected. Connect at least one of: " + ", ".join(MAPS) + ".")
    check_batches(maps)
    try:
        folder = claim_folder(parent, name, if_exists)
        files = write_material(folder, maps, bit_depth, facts, text)
    except OSError as error:
        raise InputError(
            f"The material cannot be written to {parent / name}: {error.strerror or error}. "
            "Free the disk or the folder, or choose another name."
        ) from error
    return folder, files, report_of(folder, maps, files)


def write_material(
    folder: Path, maps: Mapping[str, torch.Tensor], bit_depth: str, facts: Mapping[str, object], text: Mapping[str, str]
) -> list[Path]:
    """Write maps, (B, C, H, W) by name, as `<folder>_<map>.png` and `material.json`; returns the images' paths.

    Images of a batch are numbered before the map's name, `<folder>_001_<map>.png`, so that every number is a
    material of its own. `facts` join the description, `text` goes into every PNG.
    """
    batch = len(next(iter(maps.values())))
    stems = [folder.name] if batch == 1 else [f"{folder.name}_{index:03}" for index in range(1, batch + 1)]
    paths = []
    for name, pixels in maps.items():
        channels = single_channel(pixels)[0] if name in GREY_MAPS else pixels
        for stem, image in zip(stems, channels, strict=True):
            paths.append(folder / f"{stem}_{name}.png")
            write_png(paths[-1], image, map_bits(name, bit_depth), text)
    files = {stem: {name: f"{stem}_{name}.png" for name in maps} for stem in stems}
    write_json(folder / DESCRIPTION, {"format": FORMAT, "version": VERSION, "materials": files, **facts})
    return paths


def report_of(folder: Path, maps: Mapping[str, torch.Tensor], files: list[Path]) -> str:
    """What was written in words: the files, and every map that was clipped or reduced to grey."""
    lines = [f"{len(files)} maps in {folder}:", *(f"  {file.name}" for file in files)]
    for name, pixels in maps.items():
        outside = int(((pixels < 0) | (pixels > 1)).any(dim=1).sum())
        if outside:
            lines.append(f"{name}: {outside} pixels lay outside 0..1 and were clipped.")
        note = single_channel(pixels)[1] if name in GREY_MAPS else ""
        if note:
            lines.append(f"{name}: written as grey, the {note}.")
    return "\n".join(lines)
