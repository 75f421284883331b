"""Images as they arrive at a node."""

import torch

from ..common.finite import check_finite
from ..common.layout import to_bchw


def read_images(image: torch.Tensor, what: str = "The image") -> torch.Tensor:
    """(B, H, W, C) or (B, H, W) -> (B, C, H, W), as `to_bchw`. `what` names the input in messages.

    Raises `InputError` for what is no batch of images and for values that are not finite.
    """
    return check_finite(to_bchw(image, what), what)[0]


def color_images(image: torch.Tensor, what: str) -> torch.Tensor:
    """As `read_images`, (B, 3, H, W) float32 on the CPU: grey repeated, alpha left out."""
    pixels = read_images(image, what).float().cpu()
    return pixels[:, :3] if pixels.shape[1] >= 3 else pixels[:, :1].expand(-1, 3, -1, -1)
