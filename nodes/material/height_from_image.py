"""The node that makes a height of a picture."""

import torch
from comfy_api.latest import io

from ...common.axes import Axes
from ...common.errors import InputError
from ...common.layout import grey_to_rgb, to_bhwc
from ...host.viewed_files import live_for_view
from ...material.height_from_image import (
    SOURCES,
    DetailGains,
    choose_channel,
    remove_light,
    set_levels,
    stretch,
    weigh_details,
)
from ...material.map_inputs import alpha_note, read_map
from ...material.surface_size import SurfaceSize
from ..shown_where import shown_where
from ..sockets import axes_input
from ..validation import refusing
from .surface_inputs import CATEGORY, handed_on_inputs, repair_input, surface_output


class HeightFromImage(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightHeightFromImage",
            display_name="Height from Image",
            category=CATEGORY,
            description="Makes a height map of a photo, a generated basecolor or painted work: light removed, "
            "fine, medium and large shapes weighed, levels set. Bright is high.",
            search_aliases=[
                "image to height",
                "displacement",
                "bump map",
                "depth from texture",
                "heightmap",
                "bump",
                "height map",
                "albedo to height",
                "texture maps",
                "materialize",
                "crazybump",
                "pbr",
            ],
            has_intermediate_output=True,
            inputs=[
                io.Image.Input(
                    "image", tooltip="The picture. Its brightness, or one of its channels, becomes the height."
                ),
                io.Combo.Input(
                    "source",
                    display_name="channel",
                    advanced=True,
                    options=SOURCES,
                    default="luminance",
                    tooltip="What of the image is taken as the height.",
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
                    advanced=True,
                    display_name="light size (%)",
                    extra_dict=shown_where(flatten=True),
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
                    advanced=True,
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
                    advanced=True,
                    display_name="midtones (gamma)",
                    optional=True,
                    default=1.0,
                    min=0.1,
                    max=10.0,
                    step=0.05,
                    tooltip="Above 1 lifts the middle heights, below 1 lowers them.",
                ),
                repair_input("of its channel"),
                *handed_on_inputs(),
            ],
            outputs=[
                io.Image.Output("height", tooltip="The height, 0 to 1, as a grey image in full float precision."),
                io.String.Output("report", tooltip="What of the image was used, and what was repaired."),
                surface_output(),
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
        height_cm: float = 5.0,
        size_cm: float = 100.0,
    ) -> io.NodeOutput:
        wrap = Axes.parse(axes)
        pixels, notes = read_map(image, "The image", repair)
        height = choose_channel(pixels, source)
        live = live_for_view(height, channel=source, axes=axes)
        height = remove_light(height, flatten, flatten_radius / 100, wrap)
        height = weigh_details(height, DetailGains(fine, medium, large), wrap)
        height = stretch(height, clip / 100)
        height = set_levels(1 - height if invert else height, black, white, gamma)
        used = source if pixels.shape[1] > 1 else "only channel"
        unused = alpha_note(pixels, "The image") if source != "alpha" else []
        report = "\n".join([f"The image's {used} became the height.", *notes, *unused])
        return io.NodeOutput(to_bhwc(grey_to_rgb(height)), report, SurfaceSize(height_cm, size_cm), ui=live)


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
        name,
        advanced=True,
        display_name=f"{name} point",
        optional=True,
        default=default,
        min=0.0,
        max=1.0,
        step=0.01,
        tooltip=tooltip,
    )
