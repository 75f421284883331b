"""A VAE of the host whose decoder runs tile by tile: everything around the decoder stays the host's own."""

import logging

import comfy.model_management
import comfy.utils
import torch
from comfy.sd import VAE

from ..common.axes import Axes
from ..common.errors import InputError
from ..host_networks import autoencoder, is_image_autoencoder, norm_weights, vae_with_object_patches
from .counted_layers import CountedLayers
from .tiled_autoencoder import decode
from .tiled_layers import TiledLayers, unpadded_convolutions


def decode_latents(vae: VAE, latents: torch.Tensor, tile_size: int, axes: Axes) -> tuple[torch.Tensor, str]:
    """The image (B, H, W, C) of `latents` (B, C, h, w), and how it was made, in words.

    tile_size is in pixels. Autoencoders without a known tiled form go through the host's own tiled decode, which
    cannot wrap and is not exact. Raises `InputError` for latents that the VAE cannot have made.
    """
    network = autoencoder(vae)
    _check_latents(vae, latents)
    if not is_image_autoencoder(network):
        return _decode_by_the_host(vae, latents, tile_size, axes)
    tiled = _tiled(vae, tile_size, axes)
    try:
        image = tiled.decode(latents)
    finally:
        # Who uses the network without asking the host to load it, must not meet the tiled one.
        tiled.patcher.unpatch_model(unpatch_weights=False)
    return image, f"decoded in tiles of {tile_size} px, equal to the untiled decode up to rounding"


def _tiled(vae: VAE, tile_size: int, axes: Axes) -> VAE:
    decoder = vae.first_stage_model.decoder

    def forward(latents: torch.Tensor, **_options: object) -> torch.Tensor:
        count = CountedLayers()
        decode(decoder, latents.to("meta"), count)
        progress = _Progress(count.multiplications)
        return decode(decoder, latents, TiledLayers(tile_size, axes, norm_weights, progress.add))

    convolutions = {f"decoder.{path}": conv for path, conv in unpadded_convolutions(decoder).items()}
    tiled = vae_with_object_patches(vae, {**convolutions, "decoder.forward": forward})
    tiled.memory_used_decode = lambda shape, dtype: _memory_used(vae, shape, dtype)
    return tiled


def _memory_used(vae: VAE, shape: torch.Size, dtype: torch.dtype) -> int:
    """Bytes for the three largest feature maps that are kept at the same time."""
    channels = vae.first_stage_model.decoder.up[0].block[0].in_channels
    pixels = shape[-2] * shape[-1] * vae.spacial_compression_decode() ** 2
    return 3 * channels * pixels * comfy.model_management.dtype_size(dtype)


class _Progress:
    """The host's progress bar, in thousandths of the work; ends the run when the user cancels it."""

    def __init__(self, total: int) -> None:
        self.bar = comfy.utils.ProgressBar(1000)
        self.total = total
        self.done = 0

    def add(self, multiplications: int) -> None:
        comfy.model_management.throw_exception_if_processing_interrupted()
        self.done += multiplications
        self.bar.update_absolute(self.done * 1000 // self.total)


def _decode_by_the_host(vae: VAE, latents: torch.Tensor, tile_size: int, axes: Axes) -> tuple[torch.Tensor, str]:
    kind = type(vae.first_stage_model).__name__
    if axes.x or axes.y:
        raise InputError(
            f"The VAE is of the kind {kind}, which cannot be decoded in tiles that wrap. "
            "Set axes to none, or connect a Stable Diffusion 1, 2 or XL autoencoder."
        )
    report = f"{kind} has no exact tiled form: decoded with ComfyUI's own tiled decode, tiles of {tile_size} px"
    logging.warning("Tilewright: %s", report)
    cells = max(tile_size // vae.spacial_compression_decode(), 1)
    image = vae.decode_tiled(latents, tile_x=cells, tile_y=cells, overlap=cells // 4)
    return image.reshape(-1, *image.shape[-3:]), report


def _check_latents(vae: VAE, latents: torch.Tensor) -> None:
    if latents.shape[0] == 0:
        raise InputError("The latent holds no images. Connect one with a batch size of at least 1.")
    if latents.shape[1] != vae.latent_channels:
        raise InputError(
            f"The latent has {latents.shape[1]} channels, this VAE takes {vae.latent_channels}. "
            "Use the VAE that belongs to the model the latent was made with."
        )
    if not latents.isfinite().all():
        raise InputError(
            "The latent holds values that are no numbers (NaN or infinite). The sampling before it went wrong: "
            "lower its CFG, or run the model in a higher precision."
        )
