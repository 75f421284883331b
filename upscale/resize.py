"""Resampling that knows where a texture closes on itself."""

import torch

from ..common.axes import Axes


def resize(image: torch.Tensor, height: int, width: int, axes: Axes) -> torch.Tensor:
    """Resample (..., H, W) to (..., height, width) with a cubic filter, wide enough not to alias.

    Along `axes` the filter reads around the edge, elsewhere it repeats the border. The kernel is Keys, "Cubic
    convolution interpolation for digital image processing" (1981), a = -1/2.
    """
    image = _resize_last(image, width, axes.x)
    return _resize_last(image.transpose(-1, -2), height, axes.y).transpose(-1, -2)


def _resize_last(image: torch.Tensor, size: int, wraps: bool) -> torch.Tensor:
    before = image.shape[-1]
    if size == before:
        return image
    pitch = before / size
    width = max(pitch, 1)  # of the kernel's unit, in cells of the input
    centre = (torch.arange(size, dtype=torch.float64) + 0.5) * pitch - 0.5
    first = (centre - 2 * width).ceil()
    taps = [first + number for number in range(int(4 * width) + 1)]
    weights = [_cubic((tap - centre) / width) for tap in taps]
    total = sum(weights)
    result = image.new_zeros(*image.shape[:-1], size)
    for tap, weight in zip(taps, weights, strict=True):
        position = tap.long() % before if wraps else tap.long().clamp(0, before - 1)
        share = (weight / total).to(image.dtype).to(image.device)
        result += image.index_select(-1, position.to(image.device)) * share
    return result


def _cubic(distance: torch.Tensor) -> torch.Tensor:
    t = distance.abs()
    near = 1.5 * t**3 - 2.5 * t**2 + 1
    far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return torch.where(t <= 1, near, torch.where(t < 2, far, torch.zeros_like(t)))
