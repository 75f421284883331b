"""Moving a texture's seams into sight, and repairing them."""

import torch
from comfy_api.latest import io

from ...common.axes import Axes
from ...common.layout import to_bhwc
from ...seamless.make_seamless import LEAST_WIDTH, METHODS, repair
from ...seamless.offset import offset_image, seam_mask
from ...seamless.seam_report import measure_seams
from ..image_inputs import read_images
from .axes_input import seamless_axes_input

CATEGORY = "Tilewright/seamless"


class OffsetImage(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightOffsetImage",
            display_name="Offset Image",
            category=CATEGORY,
            description="Rolls a texture so that its seams lie in the middle, with a mask of them for inpainting.",
            search_aliases=[
                "roll image",
                "scroll",
                "offset filter",
                "seam mask",
                "inpaint seam",
                "offset",
                "shift image",
                "wrap around",
            ],
            inputs=[
                io.Image.Input("image", tooltip="The texture, or a batch of them."),
                io.Float.Input(
                    "x",
                    display_name="horizontal offset",
                    default=0.5,
                    min=-1.0,
                    max=1.0,
                    step=0.05,
                    tooltip="How far to roll right, in widths. The negative value brings the texture back.",
                ),
                io.Float.Input(
                    "y",
                    display_name="vertical offset",
                    default=0.5,
                    min=-1.0,
                    max=1.0,
                    step=0.05,
                    tooltip="How far to roll down, in heights. The negative value brings the texture back.",
                ),
                io.Int.Input(
                    "seam_width",
                    display_name="seam width (px)",
                    default=64,
                    min=1,
                    max=4096,
                    tooltip="Width of the marked strips, in pixels.",
                ),
                io.Int.Input(
                    "feather",
                    display_name="feather (px)",
                    default=16,
                    min=0,
                    max=1024,
                    tooltip="Over how many more pixels, on either side, the mask fades out.",
                ),
                seamless_axes_input(),
            ],
            outputs=[
                io.Image.Output("image", tooltip="The rolled texture."),
                io.Mask.Output("mask", tooltip="White where the edges of the texture came to lie, for inpainting."),
            ],
        )

    @classmethod
    def execute(
        cls, image: torch.Tensor, x: float, y: float, seam_width: int, feather: int, axes: str
    ) -> io.NodeOutput:
        image = read_images(image)
        mask = seam_mask(*image.shape[-2:], x, y, Axes.parse(axes), seam_width, feather)
        return io.NodeOutput(to_bhwc(offset_image(image, x, y)), mask.expand(image.shape[0], -1, -1))


class MakeSeamless(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightMakeSeamless",
            display_name="Make Seamless",
            category=CATEGORY,
            description=(
                "Makes an existing image tile. Near the edges it shows another part of the image, the one that fits "
                "best, joined along the line where both differ least. Other maps are cut along the same line."
            ),
            search_aliases=[
                "make tileable",
                "image quilting",
                "seam removal",
                "photo to texture",
                "poisson blend",
                "tileable",
                "tiling",
                "four-way tile",
                "photo texture",
                "quilting",
            ],
            inputs=[
                io.Image.Input("image", tooltip="The picture, usually the basecolor. It decides where the cuts run."),
                io.Image.Input(
                    "maps",
                    optional=True,
                    tooltip="Other maps of the same material, as a batch in the size of the image.",
                ),
                seamless_axes_input(),
                io.Int.Input(
                    "width",
                    display_name="blend width (px)",
                    default=96,
                    min=LEAST_WIDTH,
                    max=4096,
                    tooltip="How far from the edges a cut may run, in pixels. About the size of one stone or brick.",
                ),
                io.Combo.Input(
                    "method",
                    display_name="blending",
                    options=METHODS,
                    default=METHODS[0],
                    tooltip="poisson also evens out light and colour along the cut; cut keeps every value as it is.",
                ),
            ],
            outputs=[
                io.Image.Output("image", tooltip="The picture, tiling."),
                io.Image.Output("maps", tooltip="The other maps, cut alike. Without maps, the picture again."),
                io.Mask.Output("mask", tooltip="White where the picture was replaced."),
                io.String.Output("report", tooltip="Whether it tiles now, in plain words, or the seam only moved."),
            ],
        )

    @classmethod
    def execute(
        cls, image: torch.Tensor, axes: str, width: int, method: str, maps: torch.Tensor | None = None
    ) -> io.NodeOutput:
        pictures = read_images(image)
        others = pictures if maps is None else read_images(maps, "The maps input")
        tiled, cut_alike, mask = repair(pictures, others, Axes.parse(axes), width, method)
        report = str(measure_seams(tiled, before=pictures))
        return io.NodeOutput(to_bhwc(tiled), to_bhwc(cut_alike), mask, report)
