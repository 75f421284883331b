"""Gaussian blur that wraps."""

import torch

from ..common.axes import Axes
from .borders import empty_image
from .spectra import filter_lines


def gaussian_blur(image: torch.Tensor, sigma: float, axes: Axes, dtype: torch.dtype | None = None) -> torch.Tensor:
    """Blur (B, C, H, W) by a Gaussian of `sigma` pixels, wrapped along `axes` and mirrored along the others.

    The kernel is never cut off, so `sigma` may be as large as the image. 0 changes nothing. In `dtype` or the image's:
    float64 keeps what averaging gains over the rounding of a float32 image, for those who take second derivatives.
    """
    if sigma == 0:
        return image

    def response(omega: torch.Tensor) -> torch.Tensor:
        return torch.exp(-0.5 * (sigma * omega) ** 2)

    blurred = empty_image(image, image.shape[1], dtype)
    filter_lines(image, response, -1, axes.x, into=blurred)
    return filter_lines(blurred, response, -2, axes.y, into=blurred)
