"""Sampling larger than the model was made for."""

from comfy_api.latest import io

from ...common.errors import InputError
from ...host.networks import is_transformer, pixels_per_cell
from ...host.node_text import tell_node
from ...host.protocols import Model
from ...host.wrapped_axes import AUTO, axes_of_model
from ...upscale.windows import METHODS, WindowPlan
from ..sockets import following_axes_input

CATEGORY = "Tilewright/upscale"


class TiledDiffusion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightTiledDiffusion",
            display_name="Tiled Diffusion (wrapping)",
            category=CATEGORY,
            description=(
                "Lets a model denoise latents larger than it was made for, in overlapping windows whose predictions "
                "are averaged at every step. The windows go around the texture, so the result tiles."
            ),
            search_aliases=[
                "multidiffusion",
                "mixture of diffusers",
                "large latent",
                "upscale 4k",
                "tiled ksampler",
                "4k",
                "8k",
                "tiling",
                "large texture",
            ],
            hidden=[io.Hidden.unique_id],
            inputs=[
                io.Model.Input(
                    "model",
                    tooltip="Stable Diffusion 1, 2, XL, or a flow model such as Flux or Z-Image. It is not changed.",
                ),
                io.Int.Input(
                    "tile_size",
                    display_name="tile size (px)",
                    default=768,
                    min=128,
                    max=4096,
                    step=64,
                    tooltip="The side of a window in pixels. Best is the size that the model was made for.",
                ),
                io.Int.Input(
                    "overlap",
                    display_name="overlap (px)",
                    default=192,
                    min=0,
                    max=2048,
                    step=64,
                    tooltip="How far neighbouring windows overlap at least, in pixels. More is smoother and slower.",
                ),
                io.Combo.Input(
                    "method",
                    advanced=True,
                    options=METHODS,
                    default=METHODS[1],
                    tooltip="How predictions are averaged: all alike, or the middle of a window most (smoother).",
                ),
                following_axes_input("The axes that wrap.", "model"),
                io.Int.Input(
                    "batch",
                    display_name="tile batch size",
                    default=4,
                    min=1,
                    max=64,
                    optional=True,
                    advanced=True,
                    tooltip="How many windows are denoised at once. Fewer save memory.",
                ),
            ],
            outputs=[
                io.Model.Output("model", tooltip="The same model, in windows. It shares the weights with the original.")
            ],
        )

    @classmethod
    def execute(
        cls, model: Model, tile_size: int, overlap: int, method: str, axes: str, batch: int = 4
    ) -> io.NodeOutput:
        from ...host.tiled_diffusion import tiled_diffusion
        from ...host.tiled_transformer import tiled_transformer

        if overlap > tile_size // 2:
            raise InputError(
                f"overlap is {overlap}. Windows of {tile_size} pixels overlap by 0 to {tile_size // 2} pixels."
            )
        wrap = axes_of_model(axes, model)
        if axes == AUTO and cls.hidden is not None:  # in a graph
            tell_node(cls.hidden.unique_id, f"The windows wrap along: {wrap.name}, as the model does.")
        cell = pixels_per_cell(model)
        plan = WindowPlan(tile_size // cell, overlap // cell, method, wrap)
        tiled = tiled_transformer if is_transformer(model) else tiled_diffusion
        return io.NodeOutput(tiled(model, plan, batch))
