"""A texture on the torus: rolled so that its seams lie inside, where they lie then, and laid side by side."""

import torch

from ..common.axes import Axes


def offset_pixels(share: float, size: int) -> int:
    """Pixels for a share of the size. The share's negative gives the way back."""
    return round(share * size)


def offset_image(image: torch.Tensor, x: float, y: float) -> torch.Tensor:
    """Roll (B, C, H, W) to the right and down by shares of its size."""
    height, width = image.shape[-2:]
    return image.roll((offset_pixels(y, height), offset_pixels(x, width)), (2, 3))


def tile_image(image: torch.Tensor, columns: int, rows: int) -> torch.Tensor:
    """Repeat (B, C, H, W) side by side: (B, C, rows * H, columns * W)."""
    return image.repeat(1, 1, rows, columns)


def seam_mask(height: int, width: int, x: float, y: float, axes: Axes, seam_width: int, feather: int) -> torch.Tensor:
    """(height, width): 1 within seam_width / 2 pixels of where the edges came to lie, falling to 0 over `feather`.

    axes: which of the two seams to mark.
    """
    columns = _strip(width, offset_pixels(x, width), seam_width, feather) if axes.x else torch.zeros(width)
    rows = _strip(height, offset_pixels(y, height), seam_width, feather) if axes.y else torch.zeros(height)
    return torch.maximum(columns.unsqueeze(0), rows.unsqueeze(1))


def _strip(size: int, seam: int, seam_width: int, feather: int) -> torch.Tensor:
    distance = (torch.arange(size) + 0.5 - seam).abs() % size
    distance = torch.minimum(distance, size - distance)
    return ((seam_width / 2 + feather - distance) / max(feather, 1e-6)).clamp(0, 1)
