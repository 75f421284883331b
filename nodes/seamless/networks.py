"""Models and VAEs that wrap around the image."""

from comfy_api.latest import io

from ...common.axes import Axes
from ...common.errors import InputError
from ...common.wrapped_convolutions import wrapped_convolutions
from ...host.networks import (
    convolutions_padded_outside,
    is_transformer,
    vae_with_object_patches,
    wrappable_autoencoder,
)
from ...host.protocols import Model, Vae
from ...host.sampling_steps import StepShare
from ...host.wrapped_transformer import seamless_transformer
from ...host.wrapped_unet import seamless_model
from .axes_input import seamless_axes_input

CATEGORY = "Tilewright/seamless"


class SeamlessModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightSeamlessModel",
            display_name="Seamless Model",
            category=CATEGORY,
            description="Makes a diffusion model generate textures that tile: its convolutions wrap around the image.",
            search_aliases=[
                "tileable",
                "circular padding",
                "asymmetric tiling",
                "seamless tile",
                "tiling",
                "tiled texture",
                "make seamless model",
                "repeat",
            ],
            inputs=[
                io.Model.Input(
                    "model",
                    tooltip="Stable Diffusion 1, 2, XL, or a flow model such as Flux or Z-Image. It is not changed.",
                ),
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
                    tooltip="For UNets: shifts the latent around the texture at every step. Flow models see to it "
                    "themselves.",
                ),
            ],
            outputs=[
                io.Model.Output("model", tooltip="The same model, wrapping. It shares the weights with the original.")
            ],
        )

    @classmethod
    def execute(
        cls, model: Model, axes: str, start: float = 0.0, end: float = 1.0, roll: bool = False
    ) -> io.NodeOutput:
        if start >= end:
            raise InputError(f"start is {start:g} and end is {end:g}, but start comes before end.")
        share = StepShare(start, end)
        if is_transformer(model):
            return io.NodeOutput(seamless_transformer(model, Axes.parse(axes), share))
        return io.NodeOutput(seamless_model(model, Axes.parse(axes), share, roll))


class SeamlessVAE(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightSeamlessVAE",
            display_name="Seamless VAE",
            category=CATEGORY,
            description="Makes a VAE decode and encode textures that tile: its layers wrap around the image.",
            search_aliases=[
                "tileable",
                "circular padding vae",
                "seamless decode",
                "make circular vae",
                "tiling",
                "tiled texture",
            ],
            inputs=[
                io.Vae.Input(
                    "vae",
                    tooltip="That of Stable Diffusion, Flux, Wan 2.1 or Qwen-Image, or TAESD. It is not changed.",
                ),
                seamless_axes_input(),
            ],
            outputs=[io.Vae.Output("vae", tooltip="The same VAE, wrapping. It shares the weights with the original.")],
        )

    @classmethod
    def execute(cls, vae: Vae, axes: str) -> io.NodeOutput:
        network = wrappable_autoencoder(vae)
        outside = convolutions_padded_outside(network)
        replacements = wrapped_convolutions(network, Axes.parse(axes), what="The VAE", padded_outside=outside)
        return io.NodeOutput(vae_with_object_patches(vae, replacements))
