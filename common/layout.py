"""Conversions between ComfyUI's channels-last images and torch's channels-first ones."""

import torch


def to_bchw(image: torch.Tensor) -> torch.Tensor:
    """(B, H, W, C), or single-channel (B, H, W), -> (B, C, H, W)."""
    if image.ndim == 3:
        return image.unsqueeze(1)
    return image.movedim(-1, 1)


def to_bhwc(image: torch.Tensor) -> torch.Tensor:
    """(B, C, H, W) -> (B, H, W, C)."""
    return image.movedim(1, -1)


def grey_to_rgb(image: torch.Tensor) -> torch.Tensor:
    """(B, 1, H, W) -> (B, 3, H, W): the host's preview and save nodes want three channels."""
    return image.expand(-1, 3, -1, -1)
