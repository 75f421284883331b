"""The exact tiled VAE."""

from typing import Any

import torch
from comfy_api.latest import io

from ...common.axes import Axes
from ...common.errors import InputError
from ...host.protocols import Vae
from ...host.wrapped_axes import AUTO, axes_of_vae
from ..sockets import following_axes_input

CATEGORY = "Tilewright/upscale"


def _latents(samples: dict[str, Any] | None) -> torch.Tensor:
    if samples is None or samples.get("samples") is None:
        raise InputError("The latent is empty: the node it comes from gave none. Connect the output of a sampler.")
    return samples["samples"]


def _followed(axes: str, wrap: Axes) -> str:
    if axes != AUTO:
        return ""
    return f"; wrapped along {wrap.name}, as the VAE is" if wrap.x or wrap.y else "; not wrapped, as the VAE is not"


def tiling_inputs() -> list[io.Input]:
    """The widgets of both tiled VAE nodes."""
    return [
        io.Int.Input(
            "tile_size",
            display_name="tile size (px)",
            default=512,
            min=64,
            max=8192,
            step=8,
            tooltip="The longest side of a tile, in pixels. Smaller saves memory; the result is equal up to rounding.",
        ),
        following_axes_input("The axes that wrap. Without a Seamless VAE choose those of your Seamless Model.", "VAE"),
        io.Float.Input(
            "memory",
            display_name="memory (GB)",
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
            search_aliases=[
                "vae decode tiled",
                "low vram decode",
                "large image decode",
                "seamless decode",
                "tiled vae",
                "out of memory",
                "8k",
            ],
            inputs=[
                io.Latent.Input("samples", tooltip="The latent to decode."),
                io.Vae.Input("vae", tooltip="The VAE of the model the latent was made with. It is not changed."),
                *tiling_inputs(),
            ],
            outputs=[
                io.Image.Output("image", tooltip="The decoded image."),
                io.String.Output("report", tooltip="How the image was decoded: exactly, or by the host's own nodes."),
            ],
        )

    @classmethod
    def execute(
        cls, samples: dict[str, Any], vae: Vae, tile_size: int, axes: str, memory: float = 0.0
    ) -> io.NodeOutput:
        from ...host.tiled_vae import decode_in_tiles

        wrap = axes_of_vae(axes, vae)
        image, report = decode_in_tiles(vae, _latents(samples), tile_size, wrap, memory)
        return io.NodeOutput(image, report + _followed(axes, wrap))


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
            search_aliases=[
                "vae encode tiled",
                "low vram encode",
                "large image encode",
                "seamless encode",
                "tiled vae",
                "out of memory",
            ],
            inputs=[
                io.Image.Input("pixels", tooltip="The image to encode."),
                io.Vae.Input("vae", tooltip="The VAE of the model that will use the latent. It is not changed."),
                *tiling_inputs(),
            ],
            outputs=[
                io.Latent.Output("latent", tooltip="The encoded image."),
                io.String.Output("report", tooltip="How the image was encoded: exactly, or by the host's own nodes."),
            ],
        )

    @classmethod
    def execute(cls, pixels: torch.Tensor, vae: Vae, tile_size: int, axes: str, memory: float = 0.0) -> io.NodeOutput:
        from ...host.tiled_vae import encode_in_tiles

        wrap = axes_of_vae(axes, vae)
        latents, report = encode_in_tiles(vae, pixels, tile_size, wrap, memory)
        return io.NodeOutput({"samples": latents}, report + _followed(axes, wrap))
