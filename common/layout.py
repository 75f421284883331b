"""Conversions between ComfyUI's channels-last images and torch's channels-first ones."""

import torch

from .errors import InputError

MOST_CHANNELS = 4


def to_bchw(image: torch.Tensor, what: str = "The image") -> torch.Tensor:
    """An IMAGE or MASK as (B, C, H, W) floats: (B, H, W, C), single-channel (B, H, W), one (H, W, C) or one (H, W).

    `what` names the input in messages. Whole numbers of 8 bits become 0..1, half floats float32. Raises `InputError`
    for what holds no picture, several of unlike sizes, or a video.
    """
    if not isinstance(image, torch.Tensor):
        found = "a list of images" if isinstance(image, (list, tuple)) else "empty"
        raise InputError(f"{what} is {found}, where one batch of images is wanted. Look at the node that makes it.")
    batch = _batch(image)
    if batch is None or batch.shape[-1] > MOST_CHANNELS:
        raise InputError(
            f"{what} has the shape {' x '.join(map(str, image.shape))}, which is no batch of images (number, height, "
            "width, channels). Of a video or latent, connect decoded frames."
        )
    if 0 in batch.shape:
        raise InputError(f"{what} is an empty batch. Connect at least one image.")
    return _floats(batch.detach()).movedim(-1, 1)


def _batch(image: torch.Tensor) -> torch.Tensor | None:
    """(B, H, W, C), None for what is no picture."""
    if image.ndim == 3 and image.shape[-1] <= MOST_CHANNELS < min(image.shape[:2]):
        return image.unsqueeze(0)
    if image.ndim == 4 and image.shape[1] == 1 and image.shape[-1] > MOST_CHANNELS:
        return image.movedim(1, -1)  # as some nodes hand on masks
    shape = {2: (1, *image.shape, 1), 3: (*image.shape, 1), 4: image.shape}.get(image.ndim)
    return None if shape is None else image.reshape(shape)


def _floats(image: torch.Tensor) -> torch.Tensor:
    if image.dtype == torch.uint8:
        return image.float() / 255
    return image if image.dtype in (torch.float32, torch.float64) else image.float()


def to_bhwc(image: torch.Tensor) -> torch.Tensor:
    """(B, C, H, W) -> (B, H, W, C)."""
    return image.movedim(1, -1)


def grey_to_rgb(image: torch.Tensor) -> torch.Tensor:
    """(B, 1, H, W) -> (B, 3, H, W): the host's preview and save nodes want three channels."""
    return image.expand(-1, 3, -1, -1)
