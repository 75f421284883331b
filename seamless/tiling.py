"""Copies of a texture laid side by side."""

import torch


def tile_image(image: torch.Tensor, columns: int, rows: int) -> torch.Tensor:
    """Repeat (B, C, H, W) to (B, C, rows * H, columns * W)."""
    return image.repeat(1, 1, rows, columns)
