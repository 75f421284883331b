"""The node that estimates a roughness map."""

import torch
from comfy_api.latest import io

from ...common.axes import Axes
from ...common.errors import InputError
from ...common.layout import grey_to_rgb, to_bhwc
from ...material.map_inputs import alpha_note, check_same_size, read_height, read_map, single_channel
from ...material.roughness import RoughnessRules, estimate_roughness
from ..shown_where import shown_where
from ..sockets import axes_input
from ..validation import refusing
from .surface_inputs import CATEGORY, repair_input

RULES = RoughnessRules()


class RoughnessFromImage(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightRoughnessFromImage",
            display_name="Roughness from Image (estimate)",
            category=CATEGORY,
            description="Estimates a roughness map from a basecolor and, where there is one, its height: brightness, "
            "busy parts, hollows and water, each as strong as you set it. No picture tells how rough a surface is.",
            search_aliases=[
                "roughness map",
                "smoothness",
                "gloss map",
                "specular from diffuse",
                "wetness",
                "puddles",
                "roughness",
                "glossiness",
                "texture maps",
                "pbr",
            ],
            inputs=[
                io.Image.Input("image", tooltip="The basecolor, or a photo in even light. Its luminance is taken."),
                io.Image.Input(
                    "height",
                    optional=True,
                    tooltip="The height of the same size, for hollows and for where water lies.",
                ),
                axes_input("The axes along which the image tiles: filters wrap there and mirror at the other borders."),
                _level_input(
                    "roughness",
                    RULES.roughness,
                    "The even level to start from. 0 mirrors, 1 is chalk.",
                    "base roughness",
                ),
                _weight_input("brightness", RULES.brightness, "where the picture is bright: pale dust, dry paint"),
                _weight_input("contrast", RULES.contrast, "where the picture is busy: grain, scratches, chips"),
                _weight_input(
                    "cavities",
                    RULES.cavities,
                    "in the hollows of the height: dirt, mortar. Needs a height",
                    height=True,
                ),
                _level_input(
                    "flatten",
                    RULES.flatten,
                    "How much of the large-scale light is divided out first: 0 keeps it, 1 takes all of it.",
                    "light removal",
                    True,
                ),
                io.Float.Input(
                    "radius",
                    display_name="detail size (%)",
                    advanced=True,
                    default=100 * RULES.radius,
                    min=0.05,
                    max=50.0,
                    step=0.05,
                    tooltip="How large details are, in percent of the image's width: 1 is 10 px at 1K.",
                ),
                _level_input(
                    "lowest", RULES.lowest, "No dry part becomes smoother than this.", "lowest roughness", True
                ),
                _level_input(
                    "highest",
                    RULES.highest,
                    "No part becomes rougher than this. At least as high as lowest.",
                    "highest roughness",
                    True,
                ),
                _level_input(
                    "wetness",
                    RULES.wetness,
                    "How much of the surface lies under water, from its lowest parts up, with damp shores. Without a "
                    "height an even film.",
                    "wetness",
                ),
                repair_input("of its channel"),
            ],
            outputs=[
                io.Image.Output("roughness", tooltip="The roughness, 0 to 1, as a grey image in float precision."),
                io.Mask.Output("water", tooltip="Where it is wet, to darken the basecolor and flatten the normals."),
                io.String.Output("report", tooltip="The range of the estimate, what it is made of, what was repaired."),
            ],
        )

    @classmethod
    @refusing
    def validate_inputs(cls, lowest: float | None = None, highest: float | None = None) -> None:
        if lowest is not None and highest is not None and not 0 <= lowest <= highest <= 1:
            raise InputError(
                f"lowest is {lowest:g} and highest is {highest:g}. Set both between 0 and 1, lowest not above highest."
            )

    @classmethod
    def execute(
        cls,
        image: torch.Tensor,
        axes: str = "both",
        roughness: float = RULES.roughness,
        brightness: float = RULES.brightness,
        contrast: float = RULES.contrast,
        cavities: float = RULES.cavities,
        flatten: float = RULES.flatten,
        radius: float = 100 * RULES.radius,
        lowest: float = RULES.lowest,
        highest: float = RULES.highest,
        wetness: float = RULES.wetness,
        height: torch.Tensor | None = None,
        repair: bool = False,
    ) -> io.NodeOutput:
        pixels, notes = read_map(image, "The image", repair)
        heights, of_height = (None, []) if height is None else read_height(height, repair)
        check_same_size({"image": pixels} | ({} if heights is None else {"height": heights}))
        rules = RoughnessRules(
            roughness, brightness, contrast, cavities, flatten, radius / 100, lowest, highest, wetness
        )  # fmt: skip
        rough, wet = estimate_roughness(single_channel(pixels)[0], heights, rules, Axes.parse(axes))
        missing = ["Without a height: no cavities, and water as an even film."] if heights is None else []
        found = f"An estimate between {rough.amin():.2f} and {rough.amax():.2f}, {rough.mean():.2f} on average."
        report = "\n".join([found, *missing, *notes, *alpha_note(pixels, "The image"), *of_height])
        return io.NodeOutput(to_bhwc(grey_to_rgb(rough)), wet[:, 0], report)


def _level_input(name: str, default: float, tooltip: str, shown: str, advanced: bool = False) -> io.Float.Input:
    return io.Float.Input(
        name,
        display_name=shown,
        advanced=advanced or None,
        default=default,
        min=0.0,
        max=1.0,
        step=0.01,
        tooltip=tooltip,
    )


def _weight_input(name: str, default: float, where: str, **acts: bool) -> io.Float.Input:
    return io.Float.Input(
        name,
        default=default,
        min=-1.0,
        max=1.0,
        step=0.01,
        extra_dict=shown_where(**acts),
        tooltip=f"By how much roughness rises {where}. Negative values make these parts smoother.",
    )
