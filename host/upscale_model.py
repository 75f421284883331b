"""An UPSCALE_MODEL of the host run over tiles that wrap, as often as a size takes."""

import logging
import math

import comfy.model_management
import comfy.utils
import torch

from ..common.axes import Axes
from ..common.errors import InputError
from ..common.finite import check_finite
from ..common.resample import resize
from ..upscale.upscale_tiles import TOLERANCE, Halo, Network, measure_halo, upscale_tiles
from .out_of_memory import is_out_of_memory
from .protocols import UpscaleModel

SMALLEST_TILE = 64
MEMORY_PER_PIXEL = 3 * 4 * 384  # bytes per pixel of the result, as the host reckons


def upscale_image(
    model: UpscaleModel, image: torch.Tensor, tile_size: int, axes: Axes, target: int
) -> tuple[torch.Tensor, str]:
    """(B, C, H, W) enlarged by `model` until its longer side has `target` pixels (0: once), and how, in words."""
    _check(model, image, target)
    check_finite(image, "The image")
    image = image.expand(-1, model.input_channels, -1, -1)
    scale = int(model.scale)
    report: list[str] = []
    height, width = image.shape[-2:]
    ratio = target / max(height, width) if target else scale
    while not report or max(image.shape[-2:]) < max(height, width) * ratio:
        image, line = _once(model, image, scale, tile_size, axes)
        report.append(line)
    check_finite(image, "What the upscale model gave")
    size = [max(round(side * ratio), 1) for side in (height, width)]
    return resize(image, *size, axes).clamp(0, 1), "\n".join([*report, f"result: {size[1]} x {size[0]} pixels"])


def _once(model: UpscaleModel, image: torch.Tensor, scale: int, tile_size: int, axes: Axes) -> tuple[torch.Tensor, str]:
    device = model.patcher.load_device
    needed = (tile_size * scale) ** 2 * MEMORY_PER_PIXEL
    comfy.model_management.load_models_gpu([model.patcher], memory_required=needed)

    def network(tile: torch.Tensor) -> torch.Tensor:
        return model(tile.to(device).float()).to(image.device)

    # Smaller tiles are no help where the result itself finds no room: that is to be told before any is enlarged.
    image.new_empty(*image.shape[:2], *(side * scale for side in image.shape[-2:]))
    halo = _measured(network, image, scale)
    while True:
        bar = comfy.utils.ProgressBar(image.shape[0] * math.prod(-(-side // tile_size) for side in image.shape[-2:]))

        def on_tile(bar: comfy.utils.ProgressBar = bar) -> None:
            comfy.model_management.throw_exception_if_processing_interrupted()
            bar.update(1)

        try:
            result = upscale_tiles(network, image, scale, tile_size, halo.pixels, axes, on_tile)
            return result, _report(scale, tile_size, halo)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        if tile_size <= SMALLEST_TILE:
            raise _no_room(tile_size)
        tile_size = max(tile_size // 2, SMALLEST_TILE)
        logging.warning("Tilewright: out of memory, trying again in tiles of %s px", tile_size)
        comfy.model_management.soft_empty_cache()


def _measured(network: Network, image: torch.Tensor, scale: int) -> Halo:
    try:
        return measure_halo(network, image, scale)
    except Exception as error:
        if is_out_of_memory(error):
            raise _no_room(SMALLEST_TILE) from error
        raise


def _no_room(tile_size: int) -> InputError:
    return InputError(
        f"The device ran out of memory even with tiles of {tile_size} pixels. Close other programs that use it."
    )


def _report(scale: int, tile_size: int, halo: Halo) -> str:
    line = f"{scale}x in tiles of {tile_size} px with {halo.pixels} px around them"
    if halo.error > TOLERANCE:
        return f"{line}; the model looks further than that, tiles may differ by {halo.error:.1e}"
    return f"{line}, equal to the untiled result within {TOLERANCE:.0e}"


def _check(model: UpscaleModel | None, image: torch.Tensor, target: int) -> None:
    if model is None:
        raise InputError("The upscale model is empty. Load one with Load Upscale Model and connect it.")
    if image.shape[0] == 0:
        raise InputError("The image batch is empty. Connect at least one image.")
    if image.shape[1] not in (1, model.input_channels):
        raise InputError(
            f"The image has {image.shape[1]} channels, the upscale model takes {model.input_channels}. "
            "Split the alpha channel off, or connect another image."
        )
    if target and model.scale == 1:
        raise InputError("The upscale model does not enlarge, so it reaches no target size. Set target_size to 0.")
    if target and target < max(image.shape[-2:]):
        raise InputError(
            f"The target size is {target} pixels, but the image already has {max(image.shape[-2:])}. "
            "Choose a larger size, or 0 for the model's own factor."
        )
