"""What is lost or changed between the given maps and the files of a material."""

from collections.abc import Mapping

import torch

from .engine_presets import GREY_MAPS, PRESETS
from .map_inputs import single_channel
from .map_writers import CLIPPED, SCENE_LINEAR
from .material_files import GLB, ExportSettings

HALF = "EXR half"


def export_notes(maps: Mapping[str, torch.Tensor], settings: ExportSettings) -> list[str]:
    """One sentence for everything that the preset and the format do to the maps, (B, C, H, W) by name."""
    return [*reduction_notes(maps, settings.file_format), *format_notes(maps, settings)]


def reduction_notes(maps: Mapping[str, torch.Tensor], file_format: str) -> list[str]:
    """One sentence for every map, (B, C, H, W) by name, of which the files hold less than was given."""
    notes = []
    for name, pixels in maps.items():
        outside = int(((pixels < 0) | (pixels > 1)).any(dim=1).sum())
        if outside and file_format in (*CLIPPED, GLB):
            notes.append(f"{name}: {outside} pixels lay outside 0..1 and were clipped.")
        reduced = single_channel(pixels)[1] if name in GREY_MAPS else ""
        if reduced:
            notes.append(f"{name}: given in colour; its {reduced} was written.")
    return notes


def format_notes(maps: Mapping[str, torch.Tensor], settings: ExportSettings) -> list[str]:
    """One sentence for everything that is peculiar to a file format."""
    notes, file_format = [], settings.file_format
    if file_format == HALF:
        notes += [
            f"{name}: EXR half has steps of 1/2048 above 0.5, 32 times as coarse as 16 bits. EXR float has none."
            for name in ("height", "normal")
            if name in maps
        ]
    if file_format in SCENE_LINEAR and has_alpha(maps):
        notes.append("EXR: colours are multiplied by their alpha, as its readers expect; where it is 0 they are black.")
    if file_format in SCENE_LINEAR and _packs_data_in_alpha(settings.preset):
        notes.append("EXR: readers may divide the packed map by its fourth channel, which is data. Prefer PNG or TIFF.")
    if settings.preset == "glTF" and file_format not in ("PNG", GLB):
        notes.append(f"glTF knows no {file_format}: the .gltf reads PNG files, which were written beside.")
    if file_format == GLB:
        unused = [f"the preset {settings.preset} was not used"] if settings.preset not in ("plain", "glTF") else []
        unused += ["the height has no place in it"] if "height" in maps else []
        notes.append("; ".join(["GLB: the maps are those of the glTF preset, as PNG inside", *unused]) + ".")
    return notes


def has_alpha(maps: Mapping[str, torch.Tensor]) -> bool:
    """Whether the colours of a material will have an alpha channel."""
    return "basecolor" in maps and (maps["basecolor"].shape[1] == 4 or "opacity" in maps)


def _packs_data_in_alpha(preset: str) -> bool:
    return any(len(file.channels) == 4 and not file.is_color for file in PRESETS[preset].files)
