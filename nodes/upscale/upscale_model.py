"""Upscale models on textures that tile."""

import torch
from comfy_api.latest import io

from ...common.axes import Axes
from ...common.layout import to_bchw, to_bhwc
from ...host.protocols import UpscaleModel
from ..sockets import axes_input

CATEGORY = "Tilewright/upscale"


class UpscaleWithModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightUpscaleWithModel",
            display_name="Upscale with Model (wrapping)",
            category=CATEGORY,
            description=(
                "Enlarges a texture with an upscale model, tile by tile, so that it still tiles and no tile shows. "
                "How much of its surroundings each tile needs is measured on the model."
            ),
            search_aliases=[
                "esrgan",
                "real-esrgan",
                "super resolution",
                "upscale texture",
                "4x",
                "upscaler",
                "enlarge texture",
                "4k",
                "8k",
            ],
            inputs=[
                io.UpscaleModel.Input("upscale_model", tooltip="A model from Load Upscale Model."),
                io.Image.Input("image", tooltip="The texture, or a batch of them."),
                io.Int.Input(
                    "tile_size",
                    display_name="tile size (px)",
                    advanced=True,
                    default=512,
                    min=64,
                    max=4096,
                    step=8,
                    tooltip="Side of a tile in pixels of the image. Smaller saves memory.",
                ),
                axes_input("The axes along which the texture tiles, and shall still tile afterwards."),
                io.Int.Input(
                    "target_size",
                    display_name="target size (px)",
                    default=0,
                    min=0,
                    max=16384,
                    step=64,
                    optional=True,
                    tooltip="Longer side of the result in pixels: the model runs as often as it takes. 0 runs it once.",
                ),
            ],
            outputs=[
                io.Image.Output("image", tooltip="The enlarged texture."),
                io.String.Output("report", tooltip="The tiles, the surroundings measured, and whether that is exact."),
            ],
        )

    @classmethod
    def execute(
        cls, upscale_model: UpscaleModel, image: torch.Tensor, tile_size: int, axes: str, target_size: int = 0
    ) -> io.NodeOutput:
        from ...host.upscale_model import upscale_image

        enlarged, report = upscale_image(upscale_model, to_bchw(image), tile_size, Axes.parse(axes), target_size)
        return io.NodeOutput(to_bhwc(enlarged), report)
