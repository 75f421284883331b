"""Large images: the exact tiled autoencoder."""

from typing import Any

import comfy.sd
from comfy_api.latest import io

from ..common.axes import Axes
from ..common.sockets import axes_input
from .tiled_vae import decode_latents

CATEGORY = "Tilewright/upscale"


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
                io.Int.Input(
                    "tile_size",
                    default=512,
                    min=64,
                    max=8192,
                    step=8,
                    tooltip="The longest side of a tile, in pixels. Smaller saves memory and gives the same image.",
                ),
                axes_input("The axes that wrap. Choose the ones your Seamless Model wraps.", default="none"),
            ],
            outputs=[
                io.Image.Output("image", tooltip="The decoded image."),
                io.String.Output("report", tooltip="How the image was decoded: exactly, or by the host's own nodes."),
            ],
        )

    @classmethod
    def execute(cls, samples: dict[str, Any], vae: comfy.sd.VAE, tile_size: int, axes: str) -> io.NodeOutput:
        return io.NodeOutput(*decode_latents(vae, samples["samples"], tile_size, Axes.parse(axes)))


NODES: list[type[io.ComfyNode]] = [TiledVAEDecode]
