"""Images as they arrive at a node."""

import torch

from ..common.errors import InputError
from ..common.finite import check_finite
from ..common.layout import to_bchw


def read_images(image: torch.Tensor, what: str = "The image") -> torch.Tensor:
    """(B, H, W, C) or (B, H, W) -> (B, C, H, W). `what` names the input in messages.

    Raises `InputError` for an empty batch and for values that are not finite.
    """
    if image.shape[0] == 0:
        raise InputError(f"{what} is an empty batch. Connect at least one image.")
    return check_finite(to_bchw(image), what)[0]
