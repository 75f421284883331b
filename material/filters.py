"""Filters along one axis by their frequency response, exact for any width of kernel: Gaussian blur, and the ground of
the spectral derivative."""

import math
from collections.abc import Callable

import torch

from ..common.axes import Axes
from .strips import empty_image, lines_at_once, row_strips

SAMPLES_AT_ONCE = 2**19  # in float64 and with their spectra about 25 MB


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


def filter_lines(
    image: torch.Tensor,
    response: Callable[[torch.Tensor], torch.Tensor],
    dim: int,
    wraps: bool,
    into: torch.Tensor | None = None,
) -> torch.Tensor:
    """Multiply the spectrum of (B, C, H, W) along `dim` by `response`, computed in float64, some lines at once.

    `response` maps angular frequencies in radians per pixel, 0 to pi, to real or complex gains. A line that does
    not wrap is continued by its mirror image, so that a real response sees no step at the border. The result goes
    `into` an image, which may be the same one, else into a new one.
    """
    lines = image.transpose(dim, -1)
    size = lines.shape[-1] if wraps else 2 * lines.shape[-1]
    gain = response(2 * math.pi * torch.fft.rfftfreq(size, dtype=torch.float64, device=image.device))
    filtered = empty_image(image, image.shape[1]) if into is None else into
    for part in row_strips(lines.shape[-2], lines_at_once(image, SAMPLES_AT_ONCE // image.shape[1], dim)):
        filtered.transpose(dim, -1)[..., part, :] = _filter(lines[..., part, :].double(), gain, wraps)
    return filtered


def _filter(lines: torch.Tensor, gain: torch.Tensor, wraps: bool) -> torch.Tensor:
    width, first = lines.shape[-1], lines[..., :1]
    signal = lines - first  # so that a constant line has exactly one frequency
    signal = signal if wraps else torch.cat([signal, signal.flip(-1)], dim=-1)
    return torch.fft.irfft(torch.fft.rfft(signal) * gain, n=signal.shape[-1])[..., :width] + first * gain[0].real
