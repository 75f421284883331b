"""A material as a MaterialX document: a standard surface with the material's files as its inputs.

MaterialX Specification, Academy Software Foundation. Autodesk Standard Surface knows no ambient occlusion.
"""

from collections.abc import Mapping
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ..common.files import written_whole
from .engine_presets import MapFile
from .map_writers import SCENE_LINEAR

# What of a standard surface a map drives, of which type.
SURFACE_INPUTS = {
    "basecolor": ("base_color", "color3"),
    "roughness": ("specular_roughness", "float"),
    "metallic": ("metalness", "float"),
    "normal": ("normal", "vector3"),
    "opacity": ("opacity", "color3"),
    "emissive": ("emission_color", "color3"),
}
IMAGE_TYPES = {"basecolor": "color3", "normal": "vector3", "emissive": "color3"}  # the others are float


def write_documents(
    folder: Path, files: Mapping[str, Mapping[MapFile, Path]], file_format: str, height_cm: float
) -> list[Path]:
    """Write `<stem>.mtlx` for every material, with its files by stem."""
    color_space = "lin_rec709" if file_format in SCENE_LINEAR else "srgb_texture"
    for stem, paths in files.items():
        with written_whole(folder / f"{stem}.mtlx") as unfinished:
            unfinished.write_text(materialx_document(stem, paths, color_space, height_cm), encoding="utf-8")
    return [folder / f"{stem}.mtlx" for stem in files]


def materialx_document(stem: str, files: Mapping[MapFile, Path], color_space: str, height_cm: float) -> str:
    """The content of a .mtlx for the files of the MaterialX preset.

    `color_space` is that of colour files, "srgb_texture" or "lin_rec709". A height of 1 displaces by `height_cm`,
    in centimetres.
    """
    name = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in f"M_{stem}")
    root = Element("materialx", version="1.38", colorspace="lin_rec709")
    sources = {file.suffix: _image(root, name, file, path, color_space) for file, path in files.items()}
    surface = Element("standard_surface", name=f"{name}_surface", type="surfaceshader")
    for suffix, (socket, kind) in SURFACE_INPUTS.items():
        if suffix in sources:
            SubElement(surface, "input", name=socket, type=kind, nodename=sources[suffix])
    if "emissive" in sources:
        SubElement(surface, "input", name="emission", type="float", value="1")
    root.append(surface)
    material = Element("surfacematerial", name=name, type="material")
    SubElement(material, "input", name="surfaceshader", type="surfaceshader", nodename=f"{name}_surface")
    if "height" in sources:
        shift = _node(root, "displacement", f"{name}_displacement", "displacementshader")
        SubElement(shift, "input", name="displacement", type="float", nodename=sources["height"])
        SubElement(
            shift, "input", name="scale", type="float", value=f"{height_cm:g}", unittype="distance", unit="centimeter"
        )
        SubElement(
            material, "input", name="displacementshader", type="displacementshader", nodename=f"{name}_displacement"
        )
    root.append(material)
    indent(root)
    return '<?xml version="1.0"?>\n' + tostring(root, encoding="unicode") + "\n"


def _image(root: Element, name: str, file: MapFile, path: Path, color_space: str) -> str:
    """Add the node that reads a file, and what its values need; returns the name of the last one."""
    kind, own = IMAGE_TYPES.get(file.suffix, "float"), f"{name}_{file.suffix}"
    image = _node(root, "image", own, kind)
    source = SubElement(image, "input", name="file", type="filename", value=path.name)
    if kind == "color3":
        source.set("colorspace", color_space)
    if file.suffix == "normal":
        return _then(root, own, kind, "normalmap", "vector3")
    return _then(root, own, kind, "convert", "color3") if file.suffix == "opacity" else own


def _then(root: Element, source: str, source_kind: str, category: str, kind: str) -> str:
    node = _node(root, category, f"{source}_{category}", kind)
    SubElement(node, "input", name="in", type=source_kind, nodename=source)
    return f"{source}_{category}"


def _node(root: Element, category: str, name: str, kind: str) -> Element:
    return SubElement(root, category, name=name, type=kind)
