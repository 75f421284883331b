"""The node that takes a sampled material apart into its maps."""

from collections.abc import Collection

import torch
from comfy_api.latest import io

from ...common.axes import Axes
from ...common.conventions import flip_green
from ...common.layout import grey_to_rgb, to_bhwc
from ...common.map_words import DEFAULT_MAPS, parse_maps
from ...material.derivatives import METHODS, SPECTRAL
from ...material.map_inputs import read_map
from ...material.split_set import split_set
from ...material.surface_size import SurfaceSize
from ..missing_outputs import MissingOutput
from ..set_maps import NodeOfMaps, maps_input
from ..sockets import axes_input
from .surface_inputs import CATEGORY, convention_input, height_cm_input, size_cm_input, surface_input, surface_output

OUTPUTS = {
    "basecolor": "basecolor",
    "normal": "normal",
    "height": "height",
    "roughness": "roughness",
    "metallic": "metallic",
    "occlusion": "ao",
    "opacity": "opacity",
    "emissive": "emissive",
}


class SplitMaterialSet(NodeOfMaps):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightSplitMaterialSet",
            display_name="Split Material Set",
            category=CATEGORY,
            description="Takes the decoded images of a material set apart into its maps: normals that a surface can "
            "have, a height in cm made of normals and height together, and how well both agree.",
            search_aliases=["unbatch maps", "pbr outputs", "fuse height", "split batch", "svbrdf maps"],
            inputs=[
                io.Image.Input("images", tooltip="What the VAE decoded of the sampler's latents."),
                maps_input("The maps output of Material Set Model."),
                axes_input("The axes along which the maps tile."),
                size_cm_input(),
                _depth_input(),
                convention_input("Where green is to point in the normal map that comes out. Inside sets it is OpenGL."),
                io.Combo.Input(
                    "method",
                    display_name="slope filter",
                    options=METHODS,
                    default=SPECTRAL,
                    advanced=True,
                    tooltip="The method that the normals of the LoRA's materials were made with, if you know it.",
                ),
                surface_input(),
            ],
            outputs=[
                *(io.Image.Output(name, tooltip=_tooltip(name)) for name in OUTPUTS),
                surface_output(),
                io.String.Output("report", tooltip="How well normals and height agree, and what was done to them."),
            ],
        )

    @classmethod
    def execute(
        cls,
        images: torch.Tensor,
        maps: str = DEFAULT_MAPS,
        axes: str = "both",
        size_cm: float = 100.0,
        height_cm: float = 5.0,
        convention: str = "OpenGL",
        method: str = SPECTRAL,
        surface: SurfaceSize | None = None,
    ) -> io.NodeOutput:
        size = SurfaceSize(height_cm, size_cm) if surface is None else surface
        pixels, _ = read_map(images, "The set of maps")
        split = split_set(pixels, parse_maps(maps), method, Axes.parse(axes), size)
        if convention == "DirectX" and "normal" in split.maps:
            split.maps["normal"] = flip_green(split.maps["normal"])
        outputs = [
            _image(split.maps[kind]) if kind in split.maps else _missing(name, split.maps)
            for name, kind in OUTPUTS.items()
        ]
        return io.NodeOutput(*outputs, split.surface, "\n".join(split.report))


def _image(one: torch.Tensor) -> torch.Tensor:
    return to_bhwc(grey_to_rgb(one) if one.shape[1] == 1 else one)


def _missing(name: str, maps: Collection[str]) -> MissingOutput:
    names = ", ".join(name for name, kind in OUTPUTS.items() if kind in maps)
    return MissingOutput(
        f"Split Material Set has no {name} here: the maps of this material set are {names}. Take the link to it away, "
        f"or train and paint sets whose maps name {name}."
    )


def _depth_input() -> io.Float.Input:
    depth = height_cm_input()
    depth.tooltip = f"{depth.tooltip} Only for sets without normals: normals tell the depth."
    return depth


def _tooltip(name: str) -> str:
    tooltips = {
        "normal": "The normals, of unit length, without what no surface can have. Nothing where the set has none.",
        "height": "The height, 0 to 1: the longest waves from the painted height, if there is one, all others from the "
        "normals. The surface output says how many cm it spans. Nothing where the set has neither.",
    }
    return tooltips.get(name, f"The {name}. Nothing where the set has none.")
