"""A VAE of the host whose network runs tile by tile: everything around the network stays the host's own."""

import logging
from collections.abc import Callable
from typing import Any

import comfy.model_management
import comfy.utils
import torch

from ..common.axes import Axes
from ..common.errors import InputError
from ..common.finite import check_finite
from ..common.layout import to_bchw
from ..upscale import frame_autoencoder, tiled_autoencoder, tiny_autoencoder
from ..upscale.convolution_geometry import unpadded_convolutions
from ..upscale.dry_run import plan_within
from ..upscale.memory_plan import MemoryPlan
from ..upscale.offloading import macs_per_byte
from ..upscale.tiled_layers import TiledLayers
from .image_latents import image_latent
from .networks import (
    autoencoder,
    is_frame_autoencoder,
    is_image_autoencoder,
    is_tiny_autoencoder,
    norm_weights,
    vae_with_object_patches,
)
from .out_of_memory import is_out_of_memory
from .protocols import Vae

Walk = Callable[[torch.nn.Module, torch.Tensor, TiledLayers], torch.Tensor]

SMALLEST_TILE = 64


def decode_in_tiles(
    vae: Vae, latents: torch.Tensor, tile_size: int, axes: Axes, memory: float
) -> tuple[torch.Tensor, str]:
    """The image (B, H, W, C) of `latents` (B, C, h, w), and how it was made, in words.

    tile_size is in pixels, memory in GB of the device (0: what is free). Autoencoders without a known tiled form go
    through the host's own tiled decode, which cannot wrap and is not exact. Raises `InputError` for latents that the
    VAE cannot have made.
    """
    network = autoencoder(vae)
    latents = _check_latents(vae, latents)
    if is_image_autoencoder(network):
        run = TiledRun("decoder", tiled_autoencoder.decode, tile_size, axes, memory)
    elif is_tiny_autoencoder(network):
        run = TiledRun("taesd_decoder", tiny_autoencoder.run, tile_size, axes, memory)
    elif is_frame_autoencoder(network):
        run = TiledRun("decoder", frame_autoencoder.decode, tile_size, axes, memory, frames=True)
    else:
        return _by_the_host(vae, "decoded", axes, tile_size, lambda tile, overlap: _decode(vae, latents, tile, overlap))
    image = run(vae, lambda tiled: tiled.decode(latents))
    image = image.reshape(-1, *image.shape[-3:])  # a video's VAE gives frames
    check_finite(image.movedim(-1, 1), "The decoded image")
    return image, f"decoded {run.report}"


def encode_in_tiles(
    vae: Vae, image: torch.Tensor, tile_size: int, axes: Axes, memory: float
) -> tuple[torch.Tensor, str]:
    """The latents (B, C, h, w) of `image` (B, H, W, C), and how they were made. See `decode_in_tiles`.

    Grey is repeated three times; an alpha channel is left out, and the report says so.
    """
    network = autoencoder(vae)
    image = to_bchw(image).movedim(1, -1)
    _check_image(vae, image, axes)
    image, left_out = _three_channels(image)
    notes = f"{left_out}{_cropped(vae, image)}"
    if is_image_autoencoder(network):
        run = TiledRun("encoder", tiled_autoencoder.encode, tile_size, axes, memory)
    elif is_tiny_autoencoder(network):
        run = TiledRun("taesd_encoder", tiny_autoencoder.run, tile_size, axes, memory)
    elif is_frame_autoencoder(network):
        run = TiledRun("encoder", frame_autoencoder.encode, tile_size, axes, memory, frames=True)
    else:
        latents, report = _by_the_host(vae, "encoded", axes, tile_size, lambda *sides: _encode(vae, image, *sides))
        return latents, f"{report}{notes}"
    latents = run(vae, lambda tiled: tiled.encode(image))
    check_finite(latents, "The encoded latent")
    return latents, f"encoded {run.report}{notes}"


class TiledRun:
    """One use of a VAE in which its network `part` (an attribute of the autoencoder) is walked tile by tile.

    frames: the network takes (B, C, 1, H, W), videos of one frame.
    """

    def __init__(self, part: str, walk: Walk, tile_size: int, axes: Axes, memory: float, frames: bool = False) -> None:
        self.frames = frames
        self.part = part
        self.walk = walk
        self.tile_size = tile_size
        self.axes = axes
        self.memory = memory

    def __call__(self, vae: Vae, use: Callable[[Vae], torch.Tensor]) -> torch.Tensor:
        """What `use` makes of a clone of `vae` with the tiled network. `vae` itself stays as it is."""
        network = getattr(vae.first_stage_model, self.part)
        patches = {f"{self.part}.{path}": conv for path, conv in unpadded_convolutions(network).items()}
        patches[f"{self.part}.forward"] = lambda values, **_options: self._forward(network, values)
        tiled = vae_with_object_patches(vae, patches)
        tiled.memory_used_decode = tiled.memory_used_encode = lambda _shape, _dtype: self._budget(vae.device) // 2
        # The host would answer a lack of memory with its own tiling, and so run our network on single tiles.
        tiled.decode_tiled_ = tiled.encode_tiled_ = self._no_room
        try:
            return use(tiled)
        finally:
            # Who uses the network without asking the host to load it, must not meet the tiled one.
            tiled.patcher.unpatch_model(unpatch_weights=False)

    @property
    def report(self) -> str:
        return f"in tiles of {self.tile_size} px, equal to the untiled result up to rounding"

    def _forward(self, network: torch.nn.Module, values: torch.Tensor) -> Any:
        if self.frames:
            result = self._walked(network, values.squeeze(2)).unsqueeze(2)
            return [result] if self.part == "decoder" else result  # Wan's decoder gives the parts of a video
        return self._walked(network, values)

    def _walked(self, network: torch.nn.Module, values: torch.Tensor) -> torch.Tensor:
        while True:
            try:
                plan, macs = self._plan(network, values)
                progress = _Progress(macs)
                layers = TiledLayers(values.device, self.tile_size, self.axes, norm_weights, progress.add, plan)
                return self.walk(network, values, layers).to(values.device)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
            self._shrink(values.device)

    def _plan(self, network: torch.nn.Module, values: torch.Tensor) -> tuple[MemoryPlan, int]:
        budget, speed = self._budget(values.device), macs_per_byte(values.device, values.dtype)
        given = values.to("meta")
        return plan_within(budget, speed, lambda layers: self.walk(network, given, layers))

    def _shrink(self, device: torch.device) -> None:
        """Choose tiles of half the size, and half the memory, after the device's has run out."""
        if self.tile_size <= SMALLEST_TILE:
            self._no_room()
        self.memory = self._budget(device) / 2e9
        self.tile_size = max(self.tile_size // 2, SMALLEST_TILE)
        logging.warning("Tilewright: out of memory, trying again in tiles of %s px", self.tile_size)
        comfy.model_management.soft_empty_cache()

    def _no_room(self, *_given: object) -> torch.Tensor:
        raise InputError(
            f"The device ran out of memory even with tiles of {self.tile_size} pixels. "
            "Close other programs that use it, or set memory to less than is free."
        )

    def _budget(self, device: torch.device) -> int:
        """Bytes of the device that feature maps may take."""
        return int(self.memory * 1e9) if self.memory > 0 else comfy.model_management.get_free_memory(device) * 3 // 4


class _Progress:
    """The host's progress bar, in thousandths of the work; ends the run when the user cancels it."""

    def __init__(self, total: int) -> None:
        self.bar = comfy.utils.ProgressBar(1000)
        self.total = total
        self.done = 0

    def add(self, macs: int) -> None:
        comfy.model_management.throw_exception_if_processing_interrupted()
        self.done += macs
        self.bar.update_absolute(self.done * 1000 // self.total)


def _by_the_host(
    vae: Vae, verb: str, axes: Axes, tile_size: int, use: Callable[[int, int], torch.Tensor]
) -> tuple[torch.Tensor, str]:
    kind = type(vae.first_stage_model).__name__
    if axes.x or axes.y:
        raise InputError(
            f"The VAE is of the kind {kind}, which cannot be run in tiles that wrap. "
            "Set axes to none. VAEs that wrap: Stable Diffusion 1, 2, XL and 3.5, Flux, Wan 2.1, Qwen-Image."
        )
    report = f"{kind} has no exact tiled form: {verb} with ComfyUI's own tiling, tiles of {tile_size} px"
    logging.warning("Tilewright: %s", report)
    return use(tile_size, tile_size // 4), report


def _decode(vae: Vae, latents: torch.Tensor, tile: int, overlap: int) -> torch.Tensor:
    cells = vae.spacial_compression_decode()
    tile, overlap = max(tile // cells, 1), overlap // cells
    image = vae.decode_tiled(latents, tile_x=tile, tile_y=tile, overlap=overlap)
    return image.reshape(-1, *image.shape[-3:])


def _encode(vae: Vae, image: torch.Tensor, tile: int, overlap: int) -> torch.Tensor:
    return vae.encode_tiled(image, tile_x=tile, tile_y=tile, overlap=overlap)


def _three_channels(image: torch.Tensor) -> tuple[torch.Tensor, str]:
    """(B, H, W, 3) of an image with or without alpha, grey or in colour, and what is to be said of that."""
    if image.shape[-1] <= 2:
        return image[..., :1].expand(-1, -1, -1, 3), "; alpha was left out" if image.shape[-1] == 2 else ""
    return image[..., :3], "; alpha was left out" if image.shape[-1] == 4 else ""


def _check_latents(vae: Vae, latents: torch.Tensor) -> torch.Tensor:
    """The latents with the axes that the VAE takes: for one of videos an image is a single frame."""
    latents = image_latent(latents, vae.latent_channels, vae.latent_dim, "this VAE")
    if not latents.isfinite().all():
        raise InputError(
            "The latent holds values that are NaN or infinite. The sampling before it went wrong: "
            "lower its CFG, or run the model in a higher precision."
        )
    return latents


def _cropped(vae: Vae, image: torch.Tensor) -> str:
    """A note where the VAE leaves rows or columns of (B, H, W, C) out, "" where it does not."""
    ratio = vae.spacial_compression_encode()
    rows, columns = image.shape[1:3]
    kept = [side // ratio * ratio for side in (columns, rows)]
    if kept == [columns, rows] or not vae.crop_input:
        return ""
    return f"; cropped from {columns} x {rows} to {kept[0]} x {kept[1]} pixels, multiples of {ratio}"


def _check_image(vae: Vae, image: torch.Tensor, axes: Axes) -> None:
    height, width = image.shape[1:3]
    ratio = vae.spacial_compression_encode()
    if min(height, width) < ratio:
        raise InputError(
            f"The image is {width} x {height} pixels. A VAE encodes multiples of {ratio} pixels, at least {ratio} a "
            "side. Connect a larger image."
        )
    if (axes.x and width % ratio) or (axes.y and height % ratio):
        raise InputError(
            f"The image is {width} x {height} pixels. A VAE encodes multiples of {ratio} and would crop the rest off, "
            f"so that the texture would no longer tile. Resize it to multiples of {ratio} first."
        )
    if not image.isfinite().all():
        raise InputError(
            "The image holds values that are NaN or infinite. The node that made it went wrong: if that "
            "was a VAE in half precision, start ComfyUI with --fp32-vae."
        )
