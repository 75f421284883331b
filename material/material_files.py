"""A material as a folder of image files, with a `material.json` that says what they are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import torch

from ..common.errors import InputError
from ..common.files import check_name, check_new_name, write_json
from ..common.locks import lock_beside, locked
from ..common.paths import is_inside
from ..common.srgb import linear_from_srgb
from .arrangement import arrange, check_batches
from .engine_presets import PRESETS, MapFile, Preset
from .gltf import write_glbs, write_scenes
from .map_writers import SCENE_LINEAR, SUFFIXES, check_half, png_bytes, write_map
from .materialx import write_documents

IF_EXISTS = ["number", "overwrite"]
BIT_DEPTHS = ["16 for data maps", "8", "16"]
GLB = "GLB"  # one file with everything in it, in place of a folder of images
MATERIAL_FORMATS = [*SUFFIXES, GLB]
DESCRIPTION = "material.json"
FORMAT = "tilewright-material"
VERSION = 1
LONGEST_NAME = 255  # bytes of a file's name that file systems take
UNFINISHED = 24  # of them for what a name has in addition while it is being written

Files = dict[str, dict[MapFile, Path]]  # by material and file


@dataclass(frozen=True)
class ExportSettings:
    """How a material is written: a key of `PRESETS`, one of `MATERIAL_FORMATS`, of `BIT_DEPTHS` and of `IF_EXISTS`.

    dither turns the rounding of 8-bit files into noise.
    """

    preset: str = "plain"
    file_format: str = "PNG"
    bit_depth: str = BIT_DEPTHS[0]
    if_exists: str = "number"
    dither: bool = False


@dataclass(frozen=True)
class SurfaceFacts:
    """What the maps show: the convention of the normals, the depth of the height and the width of the image."""

    convention: str = "OpenGL"
    height_cm: float = 5.0
    size_cm: float = 100.0


@dataclass(frozen=True)
class SavedMaterial:
    """The folder, its image files, the scenes and documents beside them, and what there is to say about them."""

    folder: Path
    files: list[Path]
    scenes: list[Path]
    notes: list[str]


def save_material(
    parent: Path,
    name: str,
    maps: Mapping[str, torch.Tensor],
    surface: SurfaceFacts,
    settings: ExportSettings,
    text: Mapping[str, str],
    waiting: Callable[[], None] = lambda: None,
) -> SavedMaterial:
    """Write a material below `parent`, in a folder of its own.

    maps are (B, C, H, W) in 0..1 by their name in `MAPS`; `text` goes into every file that can hold it. The images of
    a batch are numbered before the map's name, so that every number is a material of its own. `waiting` is called while
    another process writes the same material, and may raise to stop. Raises `InputError` for a bad name, no map at all,
    batches that do not match, values that the format cannot hold and a folder that cannot be written.
    """
    name = check_new_path(name, parent)
    check_batches(maps)
    preset_name = "glTF" if settings.file_format == GLB else settings.preset
    preset = PRESETS[preset_name]
    images, notes = arrange(maps, preset, surface.convention)
    if not images:
        raise InputError(
            f"The preset {preset_name} has no file for {', '.join(maps)} alone. Connect more maps or choose plain."
        )
    if settings.file_format == "EXR half":
        check_half(maps)
    check_length(name, images, preset)
    settings = replace(settings, preset=preset_name)
    try:
        folder = claim_folder(parent, name, settings.if_exists)
        with locked(lock_beside(folder), waiting):
            files, scenes = _write(folder, images, surface, settings, text)
            described = files or {path.stem: {file: path for file in images} for path in scenes}
            write_json(folder / DESCRIPTION, material_description(described, preset, surface, settings))
    except OSError as error:
        raise InputError(
            f"The material cannot be written to {parent / name}: {error.strerror or error}. "
            "Free the disk or the folder, or choose another name."
        ) from error
    written = [path for paths in files.values() for path in paths.values()]
    return SavedMaterial(folder, written, scenes, [*notes, *stale_notes(folder, [*written, *scenes])])


def _write(
    folder: Path,
    images: Mapping[MapFile, torch.Tensor],
    surface: SurfaceFacts,
    settings: ExportSettings,
    text: Mapping[str, str],
) -> tuple[Files, list[Path]]:
    """Write the images, and what a viewer opens; without `material.json`."""
    preset = PRESETS[settings.preset]
    if settings.file_format == GLB:
        return {}, _write_glbs(folder, images, surface, settings)
    files = write_images(folder, images, preset, settings, text)
    if settings.preset == "MaterialX":
        return files, write_documents(folder, files, settings.file_format, surface.height_cm)
    if settings.preset != "glTF":
        return files, []
    textures, pngs = _gltf_textures(images), files
    if settings.file_format != "PNG":  # the one format that glTF and every map share
        pngs = write_images(folder, textures, preset, replace(settings, file_format="PNG"), text)
    shown = {stem: {file: path for file, path in paths.items() if file in textures} for stem, paths in pngs.items()}
    return files, write_scenes(folder, shown or dict.fromkeys(files, {}), textures, _size_cm(images, surface))


def _write_glbs(
    folder: Path, images: Mapping[MapFile, torch.Tensor], surface: SurfaceFacts, settings: ExportSettings
) -> list[Path]:
    def png_of(file: MapFile, image: torch.Tensor) -> bytes:
        return png_bytes(image, map_bits(file, settings.bit_depth), settings.dither)

    return write_glbs(folder, _stems(folder, images), _gltf_textures(images), png_of, _size_cm(images, surface))


def _gltf_textures(images: Mapping[MapFile, torch.Tensor]) -> dict[MapFile, torch.Tensor]:
    return {file: pixels for file, pixels in images.items() if file.suffix != "height"}  # glTF knows no displacement


def _size_cm(images: Mapping[MapFile, torch.Tensor], surface: SurfaceFacts) -> tuple[float, float]:
    rows, columns = next(iter(images.values())).shape[-2:]
    return surface.size_cm, surface.size_cm * rows / columns


def check_path(name: str) -> str:
    """A material's name, with '/' between the folders that it is to lie in. Raises `InputError` for any other path."""
    return "/".join(check_name(part, "The name") for part in name.strip().split("/"))


def check_new_path(name: str, root: Path) -> str:
    """`check_path`, which refuses what nobody sees in the name of a folder that is not there yet."""
    path = check_path(name)
    folder = root
    for part in path.split("/"):
        check_new_name(part, "The name", folder)
        folder = folder / part
    return path


def check_length(name: str, images: Mapping[MapFile, torch.Tensor], preset: Preset) -> None:
    """Raise `InputError` where a file's name would be longer than file systems take, which count bytes."""
    last = name.split("/")[-1]
    longest = max(len(f"{preset.prefix}{last}_001_{file.suffix}.tiff".encode()) for file in images) + UNFINISHED
    if longest > LONGEST_NAME:
        raise InputError(
            f"The name {last!r} is too long: its files would have names of {longest} bytes, and file systems take "
            f"{LONGEST_NAME}. A letter outside ASCII counts two to four. Shorten it by {longest - LONGEST_NAME} bytes."
        )


def claim_folder(parent: Path, name: str, if_exists: str) -> Path:
    """Make the folder of material `name`. If it exists, "overwrite" takes it and "number" makes `name_2`, ...

    Raises `InputError` where a link in its path leads out of `parent`.
    """
    for number in count(1):
        folder = parent / (name if number == 1 else f"{name}_{number}")
        if not is_inside(folder, parent):
            raise InputError(f"The name is {name!r}, but {folder} leads out of {parent} by a link. Choose another.")
        if if_exists == "overwrite":
            folder.mkdir(parents=True, exist_ok=True)
            return folder
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise AssertionError("count never ends")


def write_images(
    folder: Path,
    images: Mapping[MapFile, torch.Tensor],
    preset: Preset,
    settings: ExportSettings,
    text: Mapping[str, str],
) -> Files:
    """Write `<folder>_<suffix>`, numbered `<folder>_001_<suffix>` in a batch; the paths by material and file."""
    written: Files = {stem: {} for stem in _stems(folder, images)}
    for file, pixels in images.items():
        for stem, image in zip(written, pixels, strict=True):
            path = folder / f"{preset.prefix}{stem}_{file.suffix}{SUFFIXES[settings.file_format]}"
            if file.is_color and settings.file_format in SCENE_LINEAR:
                image = premultiplied(linear_from_srgb(image[:3]), image[3:])
            bits = map_bits(file, settings.bit_depth)
            write_map(path, image, settings.file_format, bits, text, settings.dither)
            written[stem][file] = path
    return written


def premultiplied(linear: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    """Linear light (3, H, W), times alpha (1, H, W) if there is one, and that alpha: what readers of EXR expect."""
    return torch.cat([linear * alpha, alpha]) if len(alpha) else linear


def _stems(folder: Path, images: Mapping[MapFile, torch.Tensor]) -> list[str]:
    batch = len(next(iter(images.values()))) if images else 1
    return [folder.name] if batch == 1 else [f"{folder.name}_{index:03}" for index in range(1, batch + 1)]


def map_bits(file: MapFile, bit_depth: str) -> int:
    """Bits a channel under one of `BIT_DEPTHS`: colours show no steps at 8 bits, heights and normals do."""
    if bit_depth == "16 for data maps":
        return 8 if file.is_color else 16
    return int(bit_depth)


def stale_notes(folder: Path, written: Sequence[Path]) -> list[str]:
    """A sentence on the files in `folder` that an earlier export left there, [] where there is none."""
    names = {DESCRIPTION, *(path.name for path in written)}
    older = sorted(path.name for path in folder.iterdir() if path.is_file() and path.name not in names)
    if not older:
        return []
    listed = ", ".join(older[:8]) + (f" and {len(older) - 8} more" if len(older) > 8 else "")
    return [f"Left from an earlier export, and not of this one: {listed}."]


def material_description(
    files: Mapping[str, Mapping[MapFile, Path]], preset: Preset, surface: SurfaceFacts, settings: ExportSettings
) -> dict[str, Any]:
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
