"""Seamless models and autoencoders, and the tools that show and measure seams."""

import torch
from comfy_api.latest import io, ui

from ..common.axes import AXES_OPTIONS, Axes
from ..common.errors import InputError
from ..common.layout import to_bchw, to_bhwc
from ..common.wrapped_convolutions import wrapped_convolutions
from ..host.networks import (
    VAE,
    ModelPatcher,
    convolutions_padded_outside,
    is_rotary_transformer,
    vae_with_object_patches,
    wrappable_autoencoder,
)
from .adapter import StepShare, seamless_model
from .adapter_transformer import seamless_transformer
from .make_seamless import METHODS, repair
from .offset import offset_image, seam_mask
from .seam_report import heat_strips, measure_seams
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
                io.Model.Input("model", tooltip="A UNet (SD 1, 2, XL), Flux or Chroma. It is not changed."),
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
                    tooltip="Shifts the latent around the texture at every step (Flux and Chroma always do).",
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
        share = StepShare(start, end)
        if is_rotary_transformer(model):
            return io.NodeOutput(seamless_transformer(model, Axes.parse(axes), share))
        return io.NodeOutput(seamless_model(model, Axes.parse(axes), share, roll))

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


class OffsetImage(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightOffsetImage",
            display_name="Offset Image",
            category=CATEGORY,
            description="Rolls a texture so that its seams lie in the middle, with a mask of them for inpainting.",
            search_aliases=["roll image", "scroll", "offset filter", "seam mask", "inpaint seam"],
            inputs=[
                io.Image.Input("image", tooltip="The texture, or a batch of them."),
                io.Float.Input(
                    "x",
                    default=0.5,
                    min=-1.0,
                    max=1.0,
                    step=0.05,
                    tooltip="How far to roll right, in widths. The negative value brings the texture back.",
                ),
                io.Float.Input(
                    "y",
                    default=0.5,
                    min=-1.0,
                    max=1.0,
                    step=0.05,
                    tooltip="How far to roll down, in heights. The negative value brings the texture back.",
                ),
                io.Int.Input(
                    "seam_width", default=64, min=1, max=4096, tooltip="Width of the marked strips, in pixels."
                ),
                io.Int.Input(
                    "feather",
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
        image = to_bchw(image)
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
            search_aliases=["make tileable", "image quilting", "seam removal", "photo to texture", "poisson blend"],
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
                    default=96,
                    min=16,
                    max=4096,
                    tooltip="How far from the edges a cut may run, in pixels. About the size of one stone or brick.",
                ),
                io.Combo.Input(
                    "method",
                    options=METHODS,
                    default=METHODS[0],
                    tooltip="poisson also evens out light and colour along the cut; cut keeps every value as it is.",
                ),
            ],
            outputs=[
                io.Image.Output("image", tooltip="The picture, tiling."),
                io.Image.Output("maps", tooltip="The other maps, cut alike. Without maps, the picture again."),
                io.Mask.Output("mask", tooltip="White where the picture was replaced."),
                io.String.Output("report", tooltip="The seams afterwards, and whether they only moved inside."),
            ],
        )

    @classmethod
    def execute(
        cls, image: torch.Tensor, axes: str, width: int, method: str, maps: torch.Tensor | None = None
    ) -> io.NodeOutput:
        pictures = to_bchw(image)
        others = pictures if maps is None else to_bchw(maps)
        tiled, cut_alike, mask = repair(pictures, others, Axes.parse(axes), width, method)
        report = str(measure_seams(tiled, before=pictures))
        return io.NodeOutput(to_bhwc(tiled), to_bhwc(cut_alike), mask, report)


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
            is_output_node=True,
            inputs=[
                io.Image.Input("image", tooltip="The texture, or a batch of them, each measured by itself."),
                io.Image.Input(
                    "before",
                    optional=True,
                    tooltip="The texture before a repair, to see whether its seam only moved inside.",
                ),
                io.Combo.Input(
                    "on_seam",
                    options=["report", "stop"],
                    default="report",
                    optional=True,
                    tooltip="Whether to stop the workflow, with the report as its message, where a seam shows.",
                ),
            ],
            outputs=[
                io.Float.Output("seam_x", tooltip="Q at the left-right wrap; of a batch, the largest."),
                io.Float.Output("seam_y", tooltip="Q at the top-bottom wrap; of a batch, the largest."),
                io.String.Output("report", tooltip="Verdict, Q, R, R2 and Q2 per axis and image, in words."),
                io.String.Output("verdict", tooltip="The worst of the batch: seamless, doubtful or seam."),
                io.Boolean.Output("passed", tooltip="Whether no image of the batch has a seam."),
            ],
        )

    @classmethod
    def execute(cls, image: torch.Tensor, before: torch.Tensor | None = None, on_seam: str = "report") -> io.NodeOutput:
        image = to_bchw(image)
        report = measure_seams(image, None if before is None else to_bchw(before))
        passed = report.verdict != "seam"
        if on_seam == "stop" and not passed:
            raise InputError(f"The texture does not tile:\n{report}\nRepair it, or set on_seam to report.")
        preview = ui.PreviewImage(to_bhwc(heat_strips(image)), cls=cls)
        return io.NodeOutput(report.worst_x, report.worst_y, str(report), report.verdict, passed, ui=preview)


NODES: list[type[io.ComfyNode]] = [
    SeamlessModel,
    SeamlessVAE,
    OffsetImage,
    MakeSeamless,
    TilePreview,
    MeasureSeams,
]
