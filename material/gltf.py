"""glTF 2.0 export: one textured rectangle, beside the files of the material."""

import base64
import struct
from collections.abc import Mapping
from pathlib import Path

import torch

from ..common.files import write_json
from .engine_presets import MapFile

TRIANGLE_STRIP, FLOAT, ARRAY_BUFFER, REPEAT = 5, 5126, 34962, 10497
WHOLE = 254.5 / 255  # what rounds to 1 in 8 bits
SOFT_EDGES = 0.2  # of the pixels


def write_scenes(
    folder: Path, files: Mapping[str, Mapping[MapFile, Path]], images: Mapping[MapFile, torch.Tensor], size_cm: float
) -> None:
    """Write `<stem>.gltf` for every material, with its files by stem: a rectangle of it, `size_cm` wide.

    `images` are what the files hold, (B, C, H, W), one of a batch for each material.
    """
    rows, columns = next(iter(images.values())).shape[-2:]
    colors = next((pixels for file, pixels in images.items() if file.suffix == "baseColor"), None)
    for index, (stem, paths) in enumerate(files.items()):
        opaque = colors is None or colors.shape[1] < 4
        alpha = "OPAQUE" if opaque else alpha_mode(colors[index, 3])
        write_json(folder / f"{stem}.gltf", gltf_scene(paths, alpha, size_cm, size_cm * rows / columns))


def gltf_scene(files: Mapping[MapFile, Path], alpha: str, width_cm: float, height_cm: float) -> dict:
    """The content of a .gltf: an upright rectangle with the files of the glTF preset as textures.

    `alpha` is how their alpha is meant, as `alpha_mode` finds it.
    """
    files = {file: path for file, path in files.items() if file.suffix != "height"}  # glTF knows no displacement
    textures = {file.suffix: index for index, file in enumerate(files)}
    shape, buffer = _rectangle(width_cm / 100, height_cm / 100)
    scene = {
        "asset": {"version": "2.0", "generator": "Tilewright"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "images": [{"uri": path.name} for path in files.values()],
        "samplers": [{"wrapS": REPEAT, "wrapT": REPEAT}],
        "textures": [{"source": index, "sampler": 0} for index in textures.values()],
        "materials": [_material(textures, alpha)],
        **shape,
        "buffers": [buffer],
    }
    return {key: value for key, value in scene.items() if value}  # the specification knows no empty lists


def alpha_mode(alpha: torch.Tensor) -> str:
    """OPAQUE, MASK or BLEND for the alpha (H, W) of a material in 0..1: whole, cut out, or see-through.

    A cut-out may have soft edges: as long as few pixels lie between 0 and 1, a viewer that cuts at 0.5 shows it as it
    is meant, and spares itself the sorting that see-through surfaces need.
    """
    if alpha.min() >= WHOLE:
        return "OPAQUE"
    between = ((alpha > 1 - WHOLE) & (alpha < WHOLE)).float().mean()
    return "MASK" if between <= SOFT_EDGES else "BLEND"


def _material(textures: Mapping[str, int], alpha: str) -> dict:
    def texture(suffix: str) -> dict:
        return {"index": textures[suffix]}

    surface, material = {}, {"doubleSided": True}
    if "baseColor" in textures:
        surface["baseColorTexture"] = texture("baseColor")
    if "occlusionRoughnessMetallic" in textures:
        surface["metallicRoughnessTexture"] = texture("occlusionRoughnessMetallic")
        material["occlusionTexture"] = texture("occlusionRoughnessMetallic")
    else:
        surface |= {"metallicFactor": 0.0, "roughnessFactor": 0.5}
    if "normal" in textures:
        material["normalTexture"] = texture("normal")
    if "emissive" in textures:
        material |= {"emissiveTexture": texture("emissive"), "emissiveFactor": [1.0, 1.0, 1.0]}
    if alpha != "OPAQUE":  # which is the default
        material["alphaMode"] = alpha
    return {"pbrMetallicRoughness": surface, **material}


def _rectangle(width: float, height: float) -> tuple[dict, dict]:
    """Mesh, accessors and views of a rectangle in metres, with normals and tangents, and the buffer they read."""
    x, y = width / 2, height / 2
    corners = [(-x, -y), (x, -y), (-x, y), (x, y)]
    attributes = {
        "POSITION": [(right, up, 0.0) for right, up in corners],
        "NORMAL": [(0.0, 0.0, 1.0)] * 4,
        "TANGENT": [(1.0, 0.0, 0.0, 1.0)] * 4,
        "TEXCOORD_0": [(0.0, 1.0), (1.0, 1.0), (0.0, 0.0), (1.0, 0.0)],
    }
    data, views, accessors = b"", [], []
    for name, vectors in attributes.items():
        packed = b"".join(struct.pack(f"<{len(vector)}f", *vector) for vector in vectors)
        views.append({"buffer": 0, "byteOffset": len(data), "byteLength": len(packed), "target": ARRAY_BUFFER})
        kind = f"VEC{len(vectors[0])}"
        accessors.append({"bufferView": len(accessors), "componentType": FLOAT, "count": 4, "type": kind})
        if name == "POSITION":
            accessors[-1] |= {"min": [-x, -y, 0.0], "max": [x, y, 0.0]}
        data += packed
    primitive = {
        "attributes": {name: index for index, name in enumerate(attributes)},
        "material": 0,
        "mode": TRIANGLE_STRIP,
    }
    uri = "data:application/octet-stream;base64," + base64.b64encode(data).decode()
    shape = {"meshes": [{"primitives": [primitive]}], "accessors": accessors, "bufferViews": views}
    return shape, {"uri": uri, "byteLength": len(data)}
