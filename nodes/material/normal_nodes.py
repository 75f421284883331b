"""The nodes that read normals: to heights, blended with each other, converted."""

import torch
from comfy_api.latest import io

from ..common.axes import Axes
from ..common.errors import InputError
from ..common.layout import grey_to_rgb, to_bhwc
from ..common.sockets import axes_input
from .conventions import CLEAR, detect_convention
from .derivatives import METHODS
from .height_from_normal import Relief, height_from_normals
from .map_inputs import read_map
from .normals import CONVENTIONS
from .surface_inputs import CATEGORY, size_cm_input

DETECT = "detect"


class NormalToHeight(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightNormalToHeight",
            display_name="Normal to Height",
            category=CATEGORY,
            description="Finds the height map that a normal map stands for, and how many cm it spans.",
            search_aliases=["integrate normals", "frankot chellappa", "normal to displacement", "height from normal"],
            inputs=[
                io.Image.Input("normal", tooltip="The normal map, in full precision if there is one: 8 bits show."),
                io.Combo.Input(
                    "convention",
                    options=[*CONVENTIONS, DETECT],
                    default=CONVENTIONS[0],
                    tooltip="Where green points: OpenGL up, DirectX down. detect reads it from the pixels and says "
                    "how sure it is.",
                ),
                io.Combo.Input(
                    "method",
                    options=METHODS,
                    default="scharr",
                    tooltip="The method that made the normals, if you know it: then the way there and back is exact. "
                    "spectral for baked or sculpted normals.",
                ),
                axes_input("The axes along which the map tiles. Along the others the surface ends level."),
                size_cm_input(),
            ],
            outputs=[
                io.Image.Output("height", tooltip="The height, 0 to 1, as a grey image in full float precision."),
                io.Float.Output(
                    "height_cm",
                    tooltip="How far the surface rises from 0 to 1, in cm; of a batch that of the first image.",
                ),
                io.String.Output("report", tooltip="The convention, the range in cm and how well the height fits."),
            ],
        )

    @classmethod
    def execute(
        cls,
        normal: torch.Tensor,
        convention: str = "OpenGL",
        method: str = "scharr",
        axes: str = "both",
        size_cm: float = 100.0,
    ) -> io.NodeOutput:
        normals = read_normals(normal, "The normal map")
        wrap = Axes.parse(axes)
        convention, found = known_convention(normals, convention, wrap)
        relief = height_from_normals(normals, convention, method, wrap)
        height_cm = relief.range * size_cm / normals.shape[-1]
        report = "\n".join([found, *_relief_report(relief, height_cm)])
        return io.NodeOutput(to_bhwc(grey_to_rgb(relief.height)), float(height_cm[0]), report)


def read_normals(image: torch.Tensor, what: str) -> torch.Tensor:
    """A normal map as float32 (B, 3, H, W); raises `InputError` for an image without three channels."""
    normals = read_map(image, what)
    if normals.shape[1] < 3:
        raise InputError(f"{what} has {normals.shape[1]} channel. A normal map has three; connect an RGB image.")
    return normals[:, :3]


def known_convention(normals: torch.Tensor, convention: str, axes: Axes) -> tuple[str, str]:
    """OpenGL or DirectX for the widget's value, and a sentence on how it was found."""
    if convention != DETECT:
        return convention, f"Read as {convention}."
    detected, factor = detect_convention(normals, axes)
    if factor < CLEAR:
        return CONVENTIONS[0], f"The pixels do not tell the convention (factor {factor:.2f}); read as {CONVENTIONS[0]}."
    return detected, f"Detected {detected}: read the other way the map would twist {factor:.1f} times as much."


def _relief_report(relief: Relief, height_cm: torch.Tensor) -> list[str]:
    return [
        f"The surface rises {height:.4g} cm; its normals differ from the given ones by {misfit:.2f} degrees on average."
        for height, misfit in zip(height_cm, relief.misfit, strict=True)
    ]
