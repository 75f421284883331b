"""Seamless models and autoencoders, and the tools that show and measure seams."""

import torch
from comfy_api.latest import io

from ..common.axes import AXES_OPTIONS, Axes
from ..common.layout import to_bchw, to_bhwc
from ..common.wrapped_convolutions import wrapped_convolutions
from ..host_networks import (
    VAE,
    ModelPatcher,
    convolutions_padded_outside,
    vae_with_object_patches,
    wrappable_autoencoder,
)
from .adapter import StepShare, seamless_model
from .seam_report import measure_seams
from .tiling import tile_image

CATEGORY = "Tilewright/seamless"


def seamless_axes_input() -> io.Combo.Input:
    """The `axes` widget of nodes that have nothing to do where no axis wraps."""
    return io.Combo.Input(
        "axes",
        options=[name for name in AXES_OPTIONS if name != "none"],
        default="both",
        tooltip="The axes that tile: x joins the left edge to the right one, y the top to the bottom.",
    )


class SeamlessModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightSeamlessModel",
            display_name="Seamless Model",
            category=CATEGORY,
            description="Makes a diffusion model generate textures that tile: its convolutions wrap around the image.",
            search_aliases=["tileable", "circular padding", "asymmetric tiling", "seamless tile"],
            inputs=[
                io.Model.Input("model", tooltip="A UNet model (Stable Diffusion 1, 2, XL). It is not changed."),
                seamless_axes_input(),
                io.Float.Input(
                    "start",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    optional=True,
                    advanced=True,
                    tooltip="The share of the steps after which wrapping begins.",
                ),
                io.Float.Input(
                    "end",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    optional=True,
                    advanced=True,
                    tooltip="The share of the steps after which wrapping ends.",
                ),
                io.Boolean.Input(
                    "roll",
                    default=False,
                    optional=True,
                    advanced=True,
                    tooltip="Shifts the latent around the texture at every step, so that nothing settles at the edge.",
                ),
            ],
            outputs=[
                io.Model.Output("model", tooltip="The same model, wrapping. It shares the weights with the original.")
            ],
        )

    @classmethod
    def execute(
        cls, model: ModelPatcher, axes: str, start: float = 0.0, end: float = 1.0, roll: bool = False
    ) -> io.NodeOutput:
        return io.NodeOutput(seamless_model(model, Axes.parse(axes), StepShare(start, end), roll))

    @classmethod
    def validate_inputs(cls, start: float | None = None, end: float | None = None) -> bool | str:
        if start is not None and end is not None and not 0 <= start < end <= 1:
            return f"start is {start} and end is {end}. Both lie between 0 and 1, and start comes before end."
        return True


class SeamlessVAE(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightSeamlessVAE",
            display_name="Seamless VAE",
            category=CATEGORY,
            description="Makes a VAE decode and encode textures that tile: its layers wrap around the image.",
            search_aliases=["tileable", "circular padding vae", "seamless decode", "make circular vae"],
            inputs=[
                io.Vae.Input("vae", tooltip="A Stable Diffusion 1, 2 or XL autoencoder, or TAESD. It is not changed."),
                seamless_axes_input(),
            ],
            outputs=[io.Vae.Output("vae", tooltip="The same VAE, wrapping. It shares the weights with the original.")],
        )

    @classmethod
    def execute(cls, vae: VAE, axes: str) -> io.NodeOutput:
        network = wrappable_autoencoder(vae)
        outside = convolutions_padded_outside(network)
        replacements = wrapped_convolutions(network, Axes.parse(axes), what="The VAE", padded_outside=outside)
        return io.NodeOutput(vae_with_object_patches(vae, replacements))


class TilePreview(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightTilePreview",
            display_name="Tile Preview",
            category=CATEGORY,
            description="Repeats a texture side by side, to see whether it tiles.",
            search_aliases=["repeat image", "tile image", "2x2 preview"],
            inputs=[
                io.Image.Input("image", tooltip="The texture to repeat."),
                io.Int.Input("columns", default=2, min=1, max=16, tooltip="How many copies side by side."),
                io.Int.Input("rows", default=2, min=1, max=16, tooltip="How many copies one below the other."),
            ],
            outputs=[io.Image.Output("image", tooltip="The copies as one image.")],
        )

    @classmethod
    def execute(cls, image: torch.Tensor, columns: int, rows: int) -> io.NodeOutput:
        return io.NodeOutput(to_bhwc(tile_image(to_bchw(image), columns, rows)))


class MeasureSeams(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightMeasureSeams",
            display_name="Measure Seams",
            category=CATEGORY,
            description=(
                "Measures how visible the line is where a texture meets its own copy. Q compares the step across "
                "that line with the strongest step inside the texture: up to 1.05 is seamless, up to 1.2 doubtful."
            ),
            search_aliases=["seam check", "tileable test", "is it seamless"],
            inputs=[io.Image.Input("image", tooltip="The texture, or a batch of them, each measured by itself.")],
            outputs=[
                io.Float.Output("seam_x", tooltip="Q at the left-right wrap; of a batch, the largest."),
                io.Float.Output("seam_y", tooltip="Q at the top-bottom wrap; of a batch, the largest."),
                io.String.Output("report", tooltip="Verdict, Q, R and R2 per axis and image, in words."),
            ],
        )

    @classmethod
    def execute(cls, image: torch.Tensor) -> io.NodeOutput:
        report = measure_seams(to_bchw(image))
        return io.NodeOutput(report.worst_x, report.worst_y, str(report))


NODES: list[type[io.ComfyNode]] = [SeamlessModel, SeamlessVAE, TilePreview, MeasureSeams]
