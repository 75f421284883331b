"""The node that makes normals of a height."""

from dataclasses import asdict

import torch
from comfy_api.latest import io

from ...common.axes import Axes
from ...common.layout import to_bhwc
from ...host.viewed_files import live_for_view
from ...material.debanding import deband_batch
from ...material.derivatives import METHODS
from ...material.filters import gaussian_blur
from ...material.map_inputs import read_height
from ...material.normals import normal_map, slope_scale
from ...material.surface_size import SurfaceSize
from ..sockets import axes_input
from .surface_inputs import (
    CATEGORY,
    convention_input,
    height_cm_input,
    repair_input,
    said_size,
    size_cm_input,
    surface_input,
    surface_output,
)


class HeightToNormal(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightHeightToNormal",
            display_name="Height to Normal",
            category=CATEGORY,
            description="Makes the normal map of a height map, with slopes in true proportion: 1K, 2K and 4K of one "
            "material give the same normals.",
            search_aliases=[
                "normal map",
                "bump to normal",
                "height to normal map",
                "sobel normal",
                "scharr",
                "normalmap",
                "bump",
                "texture maps",
                "ndo",
                "pbr",
            ],
            has_intermediate_output=True,
            inputs=[
                io.Image.Input(
                    "height",
                    tooltip="The height, 0 to 1, white is high. Of a colour image the luminance is taken; "
                    "the report says so.",
                ),
                convention_input(
                    "Where green points. OpenGL (up): Unity, Blender, Godot, glTF. DirectX (down): Unreal, Substance."
                ),
                io.Combo.Input(
                    "method",
                    display_name="slope filter",
                    advanced=True,
                    options=METHODS,
                    default="scharr",
                    tooltip="How slopes are measured. scharr is calm and equal in all directions; eighth_order keeps "
                    "fine detail; spectral is exact on clean tileable heights; sobel and central as in other tools.",
                ),
                axes_input("The axes along which the height tiles. The others are continued smoothly at the border."),
                height_cm_input(),
                size_cm_input(),
                io.Float.Input(
                    "strength",
                    display_name="intensity",
                    optional=True,
                    default=1.0,
                    min=-100.0,
                    max=100.0,
                    step=0.1,
                    tooltip="Multiplies the slopes. Leave at 1 for the true ones; turn it if you do not know the cm. "
                    "Negative values turn hills into hollows.",
                ),
                io.Boolean.Input(
                    "invert", advanced=True, default=False, optional=True, tooltip="Turn on where black is high."
                ),
                io.Float.Input(
                    "smooth_cm",
                    advanced=True,
                    display_name="blur (cm)",
                    optional=True,
                    default=0.0,
                    min=0.0,
                    max=10000.0,
                    step=0.05,
                    tooltip="Shapes smaller than this, in cm, are smoothed away first. 0 keeps everything.",
                ),
                io.Boolean.Input(
                    "deband",
                    display_name="deband 8 bit",
                    advanced=True,
                    default=True,
                    optional=True,
                    tooltip="Finds and smooths the stair-steps of heights of 8 to 12 bits, by half a step at most. "
                    "Finer heights stay as they are.",
                ),
                repair_input("height"),
                surface_input(),
            ],
            outputs=[
                io.Image.Output("normal", tooltip="The normal map, flat is (0.5, 0.5, 1), in full float precision."),
                io.String.Output(
                    "report", tooltip="The scale in numbers, the steepest slope, and what was used of a colour image."
                ),
                surface_output(),
            ],
        )

    @classmethod
    def execute(
        cls,
        height: torch.Tensor,
        convention: str = "OpenGL",
        method: str = "scharr",
        axes: str = "both",
        height_cm: float = 5.0,
        size_cm: float = 100.0,
        strength: float = 1.0,
        invert: bool = False,
        smooth_cm: float = 0.0,
        deband: bool = True,
        repair: bool = False,
        surface: SurfaceSize | None = None,
    ) -> io.NodeOutput:
        heights, notes = read_height(height, repair)
        said, of_size = said_size(surface, height_cm, size_cm)
        wrap, width = Axes.parse(axes), heights.shape[-1]
        given = heights
        if deband:
            heights, of_steps = deband_batch(heights, wrap)
            notes += of_steps
        live = live_for_view(given, heights if deband else None, axes=axes, **asdict(said))
        heights = gaussian_blur(heights, smooth_cm * width / said.size_cm / 2, wrap)
        scale = (-strength if invert else strength) * slope_scale(said.height_cm, said.size_cm, width)
        normals = normal_map(heights, scale, method, wrap, convention)
        report = "\n".join([_slope_report(normals, said.size_cm), *of_size, *notes])
        return io.NodeOutput(to_bhwc(normals), report, said, ui=live)


def _slope_report(normals: torch.Tensor, size_cm: float) -> str:
    steepest = torch.rad2deg(torch.acos((normals[:, 2].amin() * 2 - 1).clamp(-1, 1)))
    pitch_mm = 10 * size_cm / normals.shape[-1]
    return f"One pixel is {pitch_mm:.3g} mm wide; the steepest slope is {steepest:.1f} degrees."
