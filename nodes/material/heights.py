"""The nodes that make heights, and normals from them."""

import torch
from comfy_api.latest import io

from ...common.axes import Axes
from ...common.errors import InputError
from ...common.layout import grey_to_rgb, to_bhwc
from ...material.debanding import deband_batch
from ...material.derivatives import METHODS
from ...material.filters import gaussian_blur
from ...material.height_from_image import (
    SOURCES,
    DetailGains,
    choose_channel,
    remove_light,
    set_levels,
    stretch,
    weigh_details,
)
from ...material.map_inputs import read_height, read_map
from ...material.normals import normal_map, slope_scale
from ..sockets import axes_input
from ..validation import refusing
from .surface_inputs import CATEGORY, convention_input, height_cm_input, repair_input, size_cm_input


class HeightFromImage(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightHeightFromImage",
            display_name="Height from Image",
            category=CATEGORY,
            description="Makes a height map of a photo, a generated basecolor or painted work: light removed, "
            "fine, medium and large shapes weighed, levels set. Bright is high.",
            search_aliases=["image to height", "displacement", "bump map", "depth from texture", "heightmap"],
            inputs=[
                io.Image.Input(
                    "image", tooltip="The picture. Its brightness, or one of its channels, becomes the height."
                ),
                io.Combo.Input(
                    "source", options=SOURCES, default="luminance", tooltip="What of the image is taken as the height."
                ),
                io.Boolean.Input("invert", default=False, tooltip="Turn on where dark is high, as with pale mortar."),
                axes_input("The axes along which the image tiles: filters wrap there and mirror at the other borders."),
                io.Float.Input(
                    "flatten",
                    display_name="light removal",
                    optional=True,
                    default=0.8,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="How much of the large-scale light is divided out: 0 keeps it, 1 takes all of it.",
                ),
                io.Float.Input(
                    "flatten_radius",
                    display_name="light size (%)",
                    optional=True,
                    default=12.0,
                    min=1.0,
                    max=100.0,
                    step=1.0,
                    tooltip="How large light is, in percent of the image's width. Shapes beyond this are flattened.",
                ),
                _gain_input("fine", "fine detail, up to 0.4 % of the width (4 px at 1K): grain, threads, noise"),
                _gain_input("medium", "medium shapes, 0.4 to 3 % of the width: stitches, pebbles, gaps"),
                _gain_input("large", "large shapes, above 3 % of the width: bricks, folds, boulders"),
                io.Float.Input(
                    "clip",
                    display_name="auto levels clip (%)",
                    optional=True,
                    default=0.1,
                    min=0.0,
                    max=20.0,
                    step=0.1,
                    tooltip="Percent of the pixels cut off at either end when the height is stretched to 0..1.",
                ),
                _level_input("black", 0.0, "The height that becomes 0, after stretching."),
                _level_input("white", 1.0, "The height that becomes 1, after stretching. Must lie above black."),
                io.Float.Input(
                    "gamma",
                    display_name="midtones (gamma)",
                    optional=True,
                    default=1.0,
                    min=0.1,
                    max=10.0,
                    step=0.05,
                    tooltip="Above 1 lifts the middle heights, below 1 lowers them.",
                ),
                repair_input("of its channel"),
            ],
            outputs=[
                io.Image.Output("height", tooltip="The height, 0 to 1, as a grey image in full float precision."),
                io.String.Output("report", tooltip="What of the image was used, and what was repaired."),
            ],
        )

    @classmethod
    @refusing
    def validate_inputs(cls, black: float | None = None, white: float | None = None) -> None:
        if black is not None and white is not None and not 0 <= black < white <= 1:
            raise InputError(
                f"black is {black:g} and white is {white:g}. Set both between 0 and 1, with black below white."
            )

    @classmethod
    def execute(
        cls,
        image: torch.Tensor,
        source: str = "luminance",
        invert: bool = False,
        axes: str = "both",
        flatten: float = 0.8,
        flatten_radius: float = 12.0,
        fine: float = 1.0,
        medium: float = 1.0,
        large: float = 1.0,
        clip: float = 0.1,
        black: float = 0.0,
        white: float = 1.0,
        gamma: float = 1.0,
        repair: bool = False,
    ) -> io.NodeOutput:
        wrap = Axes.parse(axes)
        pixels, notes = read_map(image, "The image", repair)
        height = choose_channel(pixels, source)
        height = remove_light(height, flatten, flatten_radius / 100, wrap)
        height = weigh_details(height, DetailGains(fine, medium, large), wrap)
        height = stretch(height, clip / 100)
        height = set_levels(1 - height if invert else height, black, white, gamma)
        used = source if pixels.shape[1] > 1 else "only channel"
        return io.NodeOutput(
            to_bhwc(grey_to_rgb(height)), "\n".join([f"The image's {used} became the height.", *notes])
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
            search_aliases=["normal map", "bump to normal", "height to normal map", "sobel normal", "scharr"],
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
                io.Boolean.Input("invert", default=False, optional=True, tooltip="Turn on where black is high."),
                io.Float.Input(
                    "smooth_cm",
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
                    default=True,
                    optional=True,
                    tooltip="Finds and smooths the stair-steps of heights of 8 to 12 bits, by half a step at most. "
                    "Finer heights stay as they are.",
                ),
                repair_input("height"),
            ],
            outputs=[
                io.Image.Output("normal", tooltip="The normal map, flat is (0.5, 0.5, 1), in full float precision."),
                io.String.Output(
                    "report", tooltip="The scale in numbers, the steepest slope, and what was used of a colour image."
                ),
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
    ) -> io.NodeOutput:
        heights, notes = read_height(height, repair)
        wrap, width = Axes.parse(axes), heights.shape[-1]
        if deband:
            heights, of_steps = deband_batch(heights, wrap)
            notes += of_steps
        heights = gaussian_blur(heights, smooth_cm * width / size_cm / 2, wrap)
        scale = (-strength if invert else strength) * slope_scale(height_cm, size_cm, width)
        normals = normal_map(heights, scale, method, wrap, convention)
        return io.NodeOutput(to_bhwc(normals), "\n".join([_slope_report(normals, size_cm), *notes]))


def _slope_report(normals: torch.Tensor, size_cm: float) -> str:
    steepest = torch.rad2deg(torch.acos((normals[:, 2].amin() * 2 - 1).clamp(-1, 1)))
    pitch_mm = 10 * size_cm / normals.shape[-1]
    return f"One pixel is {pitch_mm:.3g} mm wide; the steepest slope is {steepest:.1f} degrees."


def _gain_input(name: str, what: str) -> io.Float.Input:
    return io.Float.Input(
        name,
        optional=True,
        default=1.0,
        min=-4.0,
        max=8.0,
        step=0.05,
        tooltip=f"Gain of {what}. 1 keeps it, 0 takes it out.",
    )


def _level_input(name: str, default: float, tooltip: str) -> io.Float.Input:
    return io.Float.Input(
        name, display_name=f"{name} point", optional=True, default=default, min=0.0, max=1.0, step=0.01, tooltip=tooltip
    )
