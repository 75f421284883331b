"""A material as a folder of image files, with a `material.json` that says what they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import torch

from ..common.conventions import flip_green
from ..common.errors import InputError
from ..common.files import check_name, write_json
from ..common.map_kinds import COLOR_MAPS
from ..common.srgb import linear_from_srgb
from .engine_presets import GREY_MAPS, MAPS, PRESETS, MapFile, Preset
from .gltf import write_scenes
from .map_inputs import single_channel
from .map_writers import CLIPPED, SCENE_LINEAR, SUFFIXES, write_map
from .materialx import write_documents
from .packing import pack_channels, parse_channel

IF_EXISTS = ["number", "overwrite"]
BIT_DEPTHS = ["16 for data maps", "8", "16"]
DESCRIPTION = "material.json"
FORMAT = "tilewright-material"
VERSION = 1


@dataclass(frozen=True)
class ExportSettings:
    """How a material is written: a key of `PRESETS`, one of `FILE_FORMATS`, of `BIT_DEPTHS` and of `IF_EXISTS`.

    dither turns the rounding of 8-bit files into noise.
    """

    preset: str = "plain"
    file_format: str = "PNG"
    bit_depth: str = BIT_DEPTHS[0]
    if_exists: str = "number"
    dither: bool = False


@dataclass(frozen=True)
class Surface:
    """What the maps show: the convention of the normals, the depth of the height and the width of the image."""

    convention: str = "OpenGL"
    height_cm: float = 5.0
    size_cm: float = 100.0


@dataclass(frozen=True)
class SavedMaterial:
    """The folder, its image files, and what there is to say about them."""

    folder: Path
    files: list[Path]
    notes: list[str]


def save_material(
    parent: Path,
    name: str,
    maps: Mapping[str, torch.Tensor],
    surface: Surface,
    settings: ExportSettings,
    text: Mapping[str, str],
) -> SavedMaterial:
    """Write a material below `parent`, in a folder of its own.

    maps are (B, C, H, W) in 0..1 by their name in `MAPS`; `text` goes into every file that can hold it. The images of
    a batch are numbered before the map's name, so that every number is a material of its own. Raises `InputError` for
    a bad name, no map at all, batches that do not match and a folder that cannot be written.
    """
    name = check_name(name, "The name")
    check_batches(maps)
    preset = PRESETS[settings.preset]
    images, notes = arrange(maps, preset, surface.convention)
    if not images:
        raise InputError(
            f"The preset {settings.preset} has no file for {', '.join(maps)} alone. Connect more maps or choose plain."
        )
    try:
        folder = claim_folder(parent, name, settings.if_exists)
        files = write_images(folder, images, preset, settings, text)
        if settings.preset == "glTF" and settings.file_format == "PNG":
            write_scenes(folder, files, images, surface.size_cm)
        if settings.preset == "MaterialX":
            write_documents(folder, files, settings.file_format, surface.height_cm)
        write_json(folder / DESCRIPTION, describe(files, preset, surface, settings))
    except OSError as error:
        raise InputError(
            f"The material cannot be written to {parent / name}: {error.strerror or error}. "
            "Free the disk or the folder, or choose another name."
        ) from error
    return SavedMaterial(folder, [path for stem in files.values() for path in stem.values()], notes)


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


def arrange(
    maps: Mapping[str, torch.Tensor], preset: Preset, convention: str
) -> tuple[dict[MapFile, torch.Tensor], list[str]]:
    """The images (B, C, H, W) that a preset makes of the maps, and what was filled in, flipped or left out."""
    maps, notes = {name: _with_channels(name, pixels) for name, pixels in maps.items()}, []
    if "normal" in maps and maps["normal"].shape[1] < 2:
        raise InputError("The normal map has one channel. A normal map has three; connect an RGB image.")
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
    unassigned = set(maps) - {channel.split(".")[0].removeprefix("1-") for file in images for channel in _sources(file)}
    notes += [f"{name}: has no file in this preset and was not written." for name in sorted(unassigned)]
    return images, notes


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


def write_images(
    folder: Path,
    images: Mapping[MapFile, torch.Tensor],
    preset: Preset,
    settings: ExportSettings,
    text: Mapping[str, str],
) -> dict[str, dict[MapFile, Path]]:
    """Write `<folder>_<suffix>`, numbered `<folder>_001_<suffix>` in a batch; the paths by material and file."""
    batch = len(next(iter(images.values())))
    stems = [folder.name] if batch == 1 else [f"{folder.name}_{index:03}" for index in range(1, batch + 1)]
    written = {stem: {} for stem in stems}
    for file, pixels in images.items():
        for stem, image in zip(stems, pixels, strict=True):
            path = folder / f"{preset.prefix}{stem}_{file.suffix}{SUFFIXES[settings.file_format]}"
            if file.is_color and settings.file_format in SCENE_LINEAR:
                image = torch.cat([linear_from_srgb(image[:3]), image[3:]])  # a fourth channel is alpha
            bits = map_bits(file, settings.bit_depth)
            write_map(path, image, settings.file_format, bits, text, settings.dither)
            written[stem][file] = path
    return written


def map_bits(file: MapFile, bit_depth: str) -> int:
    """Bits a channel under one of `BIT_DEPTHS`: colours show no steps at 8 bits, heights and normals do."""
    if bit_depth == "16 for data maps":
        return 8 if file.is_color else 16
    return int(bit_depth)


def describe(
    files: Mapping[str, Mapping[MapFile, Path]], preset: Preset, surface: Surface, settings: ExportSettings
) -> dict:
    """The content of `material.json`."""
    linear_color = settings.file_format in SCENE_LINEAR
    return {
        "format": FORMAT,
        "version": VERSION,
        "preset": settings.preset,
        "normal_convention": preset.convention or surface.convention,
        "height_cm": surface.height_cm,
        "size_cm": surface.size_cm,
        "materials": {
            stem: {
                file.suffix: {
                    "file": path.name,
                    "channels": list(file.channels),
                    "color_space": "sRGB" if file.is_color and not linear_color else "linear",
                }
                for file, path in paths.items()
            }
            for stem, paths in files.items()
        },
    }


def reduction_notes(maps: Mapping[str, torch.Tensor], file_format: str) -> list[str]:
    """One sentence for every map, (B, C, H, W) by name, of which the files hold less than was given."""
    notes = []
    for name, pixels in maps.items():
        outside = int(((pixels < 0) | (pixels > 1)).any(dim=1).sum())
        if outside and file_format in CLIPPED:
            notes.append(f"{name}: {outside} pixels lay outside 0..1 and were clipped.")
        reduced = single_channel(pixels)[1] if name in GREY_MAPS else ""
        if reduced:
            notes.append(f"{name}: given in colour; its {reduced} was written.")
    return notes


def _with_channels(name: str, pixels: torch.Tensor) -> torch.Tensor:
    return pixels.expand(-1, 3, -1, -1) if name in COLOR_MAPS and pixels.shape[1] == 1 else pixels


def _sources(file: MapFile) -> tuple[str, ...]:
    return (*file.channels, file.alpha)


def _is_there(channel: str, maps: Mapping[str, torch.Tensor]) -> bool:
    name, _, component = channel.partition(".")
    return name in maps and (component != "a" or maps[name].shape[1] == 4)
