"""The file beside a material's images that a viewer opens: glTF or MaterialX."""

from collections.abc import Mapping
from pathlib import Path

import torch

from ..common.files import write_json, written_whole
from .engine_presets import MapFile
from .gltf import alpha_mode, gltf_scene
from .map_writers import SCENE_LINEAR
from .materialx import materialx_document

Files = Mapping[str, Mapping[MapFile, Path]]


def write_scenes(folder: Path, files: Files, images: Mapping[MapFile, torch.Tensor], size_cm: float) -> None:
    """Write `<stem>.gltf` for every material, with its files by stem: a rectangle of it, `size_cm` wide.

    `images` are what the files hold, (B, C, H, W), one of a batch for each material.
    """
    rows, columns = next(iter(images.values())).shape[-2:]
    colors = next((pixels for file, pixels in images.items() if file.suffix == "baseColor"), None)
    for index, (stem, paths) in enumerate(files.items()):
        opaque = colors is None or colors.shape[1] < 4
        alpha = "OPAQUE" if opaque else alpha_mode(colors[index, 3])
        write_json(folder / f"{stem}.gltf", gltf_scene(paths, alpha, size_cm, size_cm * rows / columns))


def write_documents(folder: Path, files: Files, file_format: str, height_cm: float) -> None:
    """Write `<stem>.mtlx` for every material, with its files by stem."""
    color_space = "lin_rec709" if file_format in SCENE_LINEAR else "srgb_texture"
    for stem, paths in files.items():
        with written_whole(folder / f"{stem}.mtlx") as unfinished:
            unfinished.write_text(materialx_document(stem, paths, color_space, height_cm), encoding="utf-8")
