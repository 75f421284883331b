"""Large images: the exact tiled autoencoder."""

from typing import Any

import torch
from comfy_api.latest import io

from ..common.axes import Axes
from ..common.layout import to_bchw, to_bhwc
from ..common.sockets import axes_input
from ..host.networks import VAE, ModelPatcher
from .adapter_diffusion import tiled_diffusion
from .adapter_upscale import upscale_image
from .adapter_vae import decode_latents, encode_image
from .windows import METHODS, WindowPlan

PIXELS_PER_CELL = 8  # of the latents of Stable Diffusion 1, 2 and XL
CATEGORY = "Tilewright/upscale"


def tiling_inputs(axes_default: str) -> list[io.Input]:
    """The widgets of both tiled VAE nodes."""
    return [
        io.Int.Input(
            "tile_size",
            default=512,
            min=64,
            max=8192,
            step=8,
            tooltip="The longest side of a tile, in pixels. Smaller saves memory and gives the same image.",
        ),
        axes_input("The axes that wrap. Choose the ones your Seamless Model wraps.", default=axes_default),
        io.Float.Input(
            "memory",
            default=0.0,
            min=0.0,
            max=1024.0,
            step=0.5,
            optional=True,
            advanced=True,
            tooltip="GB to work in; what goes beyond lies in main memory or is computed again. 0 uses what is free.",
        ),
    ]


class TiledVAEDecode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightTiledVAEDecode",
            display_name="Tiled VAE Decode (exact)",
            category=CATEGORY,
            description=(
                "Decodes a latent tile by tile. The result equals that of the whole image at once, whatever the "
                "tile size: no seams between tiles, no shift in colour."
            ),
            search_aliases=["vae decode tiled", "low vram decode", "large image decode", "seamless decode"],
            inputs=[
                io.Latent.Input("samples", tooltip="The latent to decode."),
                io.Vae.Input("vae", tooltip="The VAE of the model the latent was made with. It is not changed."),
                *tiling_inputs("none"),
            ],
            outputs=[
                io.Image.Output("image", tooltip="The decoded image."),
                io.String.Output("report", tooltip="How the image was decoded: exactly, or by the host's own nodes."),
            ],
        )

    @classmethod
    def execute(
        cls, samples: dict[str, Any], vae: VAE, tile_size: int, axes: str, memory: float = 0.0
    ) -> io.NodeOutput:
        return io.NodeOutput(*decode_latents(vae, samples["samples"], tile_size, Axes.parse(axes), memory))


class TiledVAEEncode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightTiledVAEEncode",
            display_name="Tiled VAE Encode (exact)",
            category=CATEGORY,
            description=(
                "Encodes an image tile by tile. The result equals that of the whole image at once, whatever the "
                "tile size."
            ),
            search_aliases=["vae encode tiled", "low vram encode", "large image encode", "seamless encode"],
            inputs=[
                io.Image.Input("pixels", tooltip="The image to encode."),
                io.Vae.Input("vae", tooltip="The VAE of the model that will use the latent. It is not changed."),
                *tiling_inputs("none"),
            ],
            outputs=[
                io.Latent.Output("latent", tooltip="The encoded image."),
                io.String.Output("report", tooltip="How the image was encoded: exactly, or by the host's own nodes."),
            ],
        )

    @classmethod
    def execute(cls, pixels: torch.Tensor, vae: VAE, tile_size: int, axes: str, memory: float = 0.0) -> io.NodeOutput:
        latents, report = encode_image(vae, pixels, tile_size, Axes.parse(axes), memory)
        return io.NodeOutput({"samples": latents}, report)


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
            search_aliases=["esrgan", "real-esrgan", "super resolution", "upscale texture", "4x"],
            inputs=[
                io.UpscaleModel.Input("upscale_model", tooltip="A model from Load Upscale Model."),
                io.Image.Input("image", tooltip="The texture, or a batch of them."),
                io.Int.Input(
                    "tile_size",
                    default=512,
                    min=64,
                    max=4096,
                    step=8,
                    tooltip="The side of a tile in pixels of the image. Smaller saves memory and gives the same image.",
                ),
                axes_input("The axes along which the texture tiles, and shall still tile afterwards."),
                io.Int.Input(
                    "target_size",
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
        cls, upscale_model: Any, image: torch.Tensor, tile_size: int, axes: str, target_size: int = 0
    ) -> io.NodeOutput:
        enlarged, report = upscale_image(upscale_model, to_bchw(image), tile_size, Axes.parse(axes), target_size)
        return io.NodeOutput(to_bhwc(enlarged), report)


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
            search_aliases=["multidiffusion", "mixture of diffusers", "large latent", "upscale 4k", "tiled ksampler"],
            inputs=[
                io.Model.Input("model", tooltip="A UNet model (Stable Diffusion 1, 2, XL). It is not changed."),
                io.Int.Input(
                    "tile_size",
                    default=768,
                    min=128,
                    max=4096,
                    step=64,
                    tooltip="The side of a window in pixels. Best is the size that the model was made for.",
                ),
                io.Int.Input(
                    "overlap",
                    default=192,
                    min=0,
                    max=2048,
                    step=64,
                    tooltip="How far neighbouring windows overlap at least, in pixels. More is smoother and slower.",
                ),
                io.Combo.Input(
                    "method",
                    options=METHODS,
                    default=METHODS[1],
                    tooltip="How predictions are averaged: all alike, or the middle of a window most (smoother).",
                ),
                axes_input("The axes that wrap. Choose the ones of your Seamless Model."),
                io.Int.Input(
                    "batch",
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
        cls, model: ModelPatcher, tile_size: int, overlap: int, method: str, axes: str, batch: int = 4
    ) -> io.NodeOutput:
        plan = WindowPlan(tile_size // PIXELS_PER_CELL, overlap // PIXELS_PER_CELL, method, Axes.parse(axes))
        return io.NodeOutput(tiled_diffusion(model, plan, batch))

    @classmethod
    def validate_inputs(cls, tile_size: int | None = None, overlap: int | None = None) -> bool | str:
        if tile_size is not None and not 128 <= tile_size <= 4096:
            return f"tile_size is {tile_size}. It lies between 128 and 4096 pixels."
        if tile_size is not None and overlap is not None and not 0 <= overlap <= tile_size // 2:
            return f"overlap is {overlap}. Windows of {tile_size} pixels overlap by 0 to {tile_size // 2} pixels."
        return True


NODES: list[type[io.ComfyNode]] = [TiledVAEDecode, TiledVAEEncode, TiledDiffusion, UpscaleWithModel]
