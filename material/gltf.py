"""glTF 2.0 export: one textured rectangle, beside the files of the material."""

import base64
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import torch

from ..common.files import write_json, written_whole
from .engine_presets import MapFile

TRIANGLE_STRIP, FLOAT, ARRAY_BUFFER, REPEAT = 5, 5126, 34962, 10497
WHOLE = 254.5 / 255  # what rounds to 1 in 8 bits
SOFT_EDGES = 0.2  # of the pixels


def write_scenes(
    folder: Path,
    files: Mapping[str, Mapping[MapFile, Path]],
    images: Mapping[MapFile, torch.Tensor],
    size_cm: tuple[float, float],
) -> list[Path]:
    """Write `<stem>.gltf` for every material, with its PNG files by stem: a rectangle of that width and height.

    `images` are what the files hold, (B, C, H, W), one of a batch for each material.
    """
    written = []
    for index, (stem, paths) in enumerate(files.items()):
        # RFC 3986: a '#' in a file's name would begin a fragment.
        uris = {file: {"uri": quote(path.name)} for file, path in paths.items()}
        scene, geometry = gltf_scene(uris, _alpha(images, index), *size_cm)
        scene["materials"][0]["name"] = stem
        uri = "data:application/octet-stream;base64," + base64.b64encode(geometry).decode()
        written.append(folder / f"{stem}.gltf")
        write_json(written[-1], scene | {"buffers": [{"uri": uri, "byteLength": len(geometry)}]})
    return written


def write_glb(path: Path, pngs: Mapping[MapFile, bytes], alpha: str, width_cm: float, height_cm: float) -> None:
    """Write a material as one binary glTF file, its textures as PNG inside; whole or not at all.

    glTF 2.0 specification, 4 (GLB File Format): a header, the scene as JSON, and a block that all views point into.
    """
    images = {file: {"name": f"{path.stem}_{file.suffix}", "mimeType": "image/png"} for file in pngs}
    scene, block = gltf_scene(images, alpha, width_cm, height_cm)
    scene["materials"][0]["name"] = path.stem
    for image, png in zip(scene.get("images", []), pngs.values(), strict=True):
        image["bufferView"] = len(scene["bufferViews"])
        scene["bufferViews"].append({"buffer": 0, "byteOffset": len(block), "byteLength": len(png)})
        block += _padded(png, b"\0")
    scene["buffers"] = [{"byteLength": len(block)}]
    text = _padded(json.dumps(scene, separators=(",", ":")).encode(), b" ")
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(block), b"BIN\0") + block
    with written_whole(path) as unfinished:
        unfinished.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)


def write_glbs(
    folder: Path,
    stems: Sequence[str],
    images: Mapping[MapFile, torch.Tensor],
    png_of: Callable[[MapFile, torch.Tensor], bytes],
    size_cm: tuple[float, float],
) -> list[Path]:
    """Write `<stem>.glb` for every image of a batch; `images` (B, C, H, W) are those of the glTF preset."""
    written = []
    for index, stem in enumerate(stems):
        pngs = {file: png_of(file, pixels[index]) for file, pixels in images.items()}
        written.append(folder / f"{stem}.glb")
        write_glb(written[-1], pngs, _alpha(images, index), *size_cm)
    return written


def gltf_scene(
    images: Mapping[MapFile, dict[str, Any]], alpha: str, width_cm: float, height_cm: float
) -> tuple[dict[str, Any], bytes]:
    """The content of a .gltf without its buffers, and the geometry that belongs into the first one.

    An upright rectangle with the files of the glTF preset as textures; `images` says of each where its pixels are, and
    `alpha` how their alpha is meant, as `alpha_mode` finds it.
    """
    textures = {file.suffix: index for index, file in enumerate(images)}
    shape, geometry = _rectangle(width_cm / 100, height_cm / 100)
    scene = {
        "asset": {"version": "2.0", "generator": "Tilewright"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "images": list(images.values()),
        "samplers": [{"wrapS": REPEAT, "wrapT": REPEAT}] if images else [],
        "textures": [{"source": index, "sampler": 0} for index in textures.values()],
        "materials": [_material(textures, alpha)],
        **shape,
    }
    return {key: value for key, value in scene.items() if value or value == 0}, geometry  # no empty lists


def alpha_mode(alpha: torch.Tensor) -> str:
    """OPAQUE, MASK or BLEND for the alpha (H, W) of a material in 0..1: whole, cut out, or see-through.

    A cut-out may have soft edges: as long as few pixels lie between 0 and 1, a viewer that cuts at 0.5 shows it as it
    is meant, and spares itself the sorting that see-through surfaces need.
    """
    if alpha.min() >= WHOLE:
        return "OPAQUE"
    between = ((alpha > 1 - WHOLE) & (alpha < WHOLE)).float().mean()
    return "MASK" if between <= SOFT_EDGES else "BLEND"


def _material(textures: Mapping[str, int], alpha: str) -> dict[str, Any]:
    def texture(suffix: str) -> dict[str, int]:
        return {"index": textures[suffix]}

    surface: dict[str, Any] = {}
    material: dict[str, Any] = {"doubleSided": True}
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


def _rectangle(width: float, height: float) -> tuple[dict[str, Any], bytes]:
    """Mesh, accessors and views of a rectangle in metres, with normals and tangents, and the bytes they read."""
    x, y = width / 2, height / 2
    corners = [(-x, -y), (x, -y), (-x, y), (x, y)]
    attributes: dict[str, list[tuple[float, ...]]] = {
        "POSITION": [(right, up, 0.0) for right, up in corners],
        "NORMAL": [(0.0, 0.0, 1.0)] * 4,
        "TANGENT": [(1.0, 0.0, 0.0, 1.0)] * 4,
        "TEXCOORD_0": [(0.0, 1.0), (1.0, 1.0), (0.0, 0.0), (1.0, 0.0)],
    }
    data, views = b"", []
    accessors: list[dict[str, Any]] = []
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
    return {"meshes": [{"primitives": [primitive]}], "accessors": accessors, "bufferViews": views}, data


def _alpha(images: Mapping[MapFile, torch.Tensor], index: int) -> str:
    colors = next((pixels for file, pixels in images.items() if file.suffix == "baseColor"), None)
    return "OPAQUE" if colors is None or colors.shape[1] < 4 else alpha_mode(colors[index, 3])


def _padded(data: bytes, filling: bytes) -> bytes:
    """Chunks and views begin at multiples of four bytes."""
    return data + filling * (-len(data) % 4)
