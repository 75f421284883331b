"""The stage's own socket type, and pictures as the host's IMAGE."""

from collections.abc import Sequence

import torch
from comfy_api.latest import io

LoraGridSocket = io.Custom("TILEWRIGHT_LORA_GRID")


def stacked(pictures: Sequence[torch.Tensor]) -> torch.Tensor:
    """(B, H, W, 3) of pictures (3, H, W); NaN and infinite values are black."""
    return torch.stack([picture.nan_to_num(0, 0, 0) for picture in pictures]).movedim(1, -1)
