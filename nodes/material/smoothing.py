"""Gaussian blur that wraps."""

import torch

from ..common.axes import Axes
from .spectra import filter_lines


def gaussian_blur(image: torch.Tensor, sigma: float, axes: Axes) -> torch.Tensor:
    """Blur (..., H, W) by a Gaussian of `sigma` pixels, wrapped along `axes` and mirrored along the others.

    The kernel is never cut off, so `sigma` may be as large as the image. 0 changes nothing.
    """
    if sigma == 0:
        return image

    def response(omega: torch.Tensor) -> torch.Tensor:
        return torch.exp(-0.5 * (sigma * omega) ** 2)

    return filter_lines(filter_lines(image, response, -1, axes.x), response, -2, axes.y)
