"""Filters along one axis by their frequency response, exact for any width of kernel."""

import math
from collections.abc import Callable

import torch

SAMPLES_AT_ONCE = 2**22  # float64 spectra of this many samples take about 100 MB


def filter_lines(
    image: torch.Tensor, response: Callable[[torch.Tensor], torch.Tensor], dim: int, wraps: bool
) -> torch.Tensor:
    """Multiply the spectrum of (..., H, W) along `dim` by `response`, computed in float64, in the image's dtype.

    `response` maps angular frequencies in radians per pixel, 0 to pi, to real or complex gains. A line that does
    not wrap is continued by its mirror image, so that a real response sees no step at the border.
    """
    lines = image.transpose(dim, -1)
    size = lines.shape[-1] if wraps else 2 * lines.shape[-1]
    gain = response(2 * math.pi * torch.fft.rfftfreq(size, dtype=torch.float64, device=image.device))
    others = lines.numel() // (lines.shape[-1] * lines.shape[-2])
    rows = max(1, SAMPLES_AT_ONCE // (size * others))
    filtered = [_filter(part, gain, wraps) for part in lines.split(rows, dim=-2)]
    return torch.cat(filtered, dim=-2).transpose(dim, -1)


def _filter(lines: torch.Tensor, gain: torch.Tensor, wraps: bool) -> torch.Tensor:
    width = lines.shape[-1]
    signal = lines.double()
    if not wraps:
        signal = torch.cat([signal, signal.flip(-1)], dim=-1)
    spectrum = torch.fft.rfft(signal) * gain
    return torch.fft.irfft(spectrum, n=signal.shape[-1])[..., :width].to(lines.dtype)
