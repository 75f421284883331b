"""The node that reads a map."""

from pathlib import Path

import folder_paths
import torch
from comfy_api.latest import io

from ...common.images import IMAGE_SUFFIXES
from ...common.layout import to_bhwc
from ...common.map_files import AUTOMATIC, KEEP, Reading
from ...common.map_kinds import MAP_KINDS
from ...host.folders import map_file
from ...material.load_map import load_map
from ...material.material_files import DESCRIPTION
from ...material.surface_size import SurfaceSize, written_size
from ..sockets import SurfaceSocket, layer_input, light_input
from ..validation import refusing
from .surface_inputs import CATEGORY, handed_on_inputs

DETECT = "detect"


class LoadMap(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightLoadMap",
            display_name="Load Map",
            category=CATEGORY,
            description="Reads a material map at the file's full precision, 8, 16 or 32 bits, without touching data.",
            search_aliases=[
                "load 16-bit image",
                "load exr",
                "load height",
                "load normal map",
                "load tiff",
                "16 bit",
                "exr",
                "tiff",
                "heightmap",
                "texture map",
                "pbr",
                "height map",
            ],
            inputs=[
                io.Combo.Input(
                    "file",
                    options=_files(),
                    upload=io.UploadType.image,
                    image_folder=io.FolderType.input,
                    tooltip="An image of ComfyUI's input folder: PNG, JPEG, TIFF, EXR, TGA, WebP, BMP; AVIF, HEIC and "
                    "JPEG XL where their library is installed.",
                ),
                io.Combo.Input(
                    "kind",
                    options=[DETECT, *MAP_KINDS],
                    default=DETECT,
                    tooltip="What the map is. detect reads it from the file's name, else from the pixels.",
                ),
                light_input(),
                layer_input(),
                *handed_on_inputs(kind=[DETECT, "height"]),
            ],
            outputs=[
                io.Image.Output("image", tooltip="The map: data with every value as in the file, colours in sRGB."),
                io.String.Output(
                    "kind", tooltip="basecolor, normal, roughness, metallic, height, ao, opacity or emissive."
                ),
                io.String.Output("report", tooltip="The size, the range of values, and how the kind was found."),
                io.Mask.Output(
                    "alpha",
                    tooltip="The file's alpha as ComfyUI's masks have it: 1 where it is transparent, 0 where it is "
                    "opaque or has none.",
                ),
                SurfaceSocket.Output(
                    "surface",
                    tooltip="The cm of a height map, for the surface input of other nodes: those of the material.json "
                    "that Save Material wrote beside the file, else those typed here.",
                ),
            ],
        )

    @classmethod
    @refusing
    def validate_inputs(cls, file: str | None = None) -> None:
        if file is not None:
            map_file(file)

    @classmethod
    def fingerprint_inputs(cls, file: str | None = None, **_: object) -> list:
        if file is None:
            return []
        path = map_file(file)
        beside = path.with_name(DESCRIPTION)  # has the cm of the surface
        states = [one.stat() for one in (path, beside) if one.is_file()]
        return [file, *(fact for state in states for fact in (state.st_size, state.st_mtime_ns))]

    @classmethod
    def execute(
        cls,
        file: str,
        kind: str = DETECT,
        light: str = AUTOMATIC,
        layer: str = "",
        height_cm: float = 5.0,
        size_cm: float = 100.0,
    ) -> io.NodeOutput:
        reading = Reading(light, layer.strip(), not_finite=KEEP)
        path = map_file(file)
        loaded = load_map(path, "" if kind == DETECT else kind, reading)
        written = written_size(path)
        pixels = loaded.pixels
        channels = pixels.shape[1]
        transparent = 1 - pixels[:, 3] if channels == 4 else torch.zeros_like(pixels[:, 0])
        image = pixels[:, :3] if channels >= 3 else pixels.expand(-1, 3, -1, -1)
        report = f"{file}: {_size_and_range(pixels)}\n{loaded.found}"
        if written is not None:
            report += f"\nIts material.json says: {written.height_cm:.4g} cm deep, {written.size_cm:.4g} cm wide."
        return io.NodeOutput(
            to_bhwc(image), loaded.kind, report, transparent, written or SurfaceSize(height_cm, size_cm)
        )


def _size_and_range(pixels: torch.Tensor) -> str:
    channels, height, width = pixels.shape[1:]
    numbers = pixels[pixels.isfinite()]
    span = f"{numbers.min():.5g} to {numbers.max():.5g}" if len(numbers) else "no numbers"
    broken = int((~pixels.isfinite()).any(dim=1).sum())
    warning = (
        f" {broken} of {height * width} pixels are not numbers (NaN) or infinite: turn on 'repair' where they go."
        if broken
        else ""
    )
    return f"{width} x {height}, {channels} channels, {span}.{warning}"


def _files() -> list[str]:
    folder = Path(folder_paths.get_input_directory())
    return sorted(file.name for file in folder.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
