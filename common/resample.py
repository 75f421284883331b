"""Resizing that wraps around the edges of a texture."""

import torch

from .axes import Axes

REPLICATE, INSIDE = "replicate", "inside"


def resize(image: torch.Tensor, height: int, width: int, axes: Axes, edge: str = REPLICATE) -> torch.Tensor:
    """Resample (..., H, W) to (..., height, width) with a cubic filter, wide enough not to alias, in the image's dtype.

    Along `axes` the filter reads around the edge. Elsewhere `edge` says what it sees there: "replicate" repeats the
    border, "inside" leaves out what lies beyond, as Pillow and torch do. The kernel is Keys, "Cubic convolution
    interpolation for digital image processing" (1981), a = -1/2.
    """
    image = _resize_rows(image.mT, width, axes.x, edge).mT
    return _resize_rows(image, height, axes.y, edge)


def _resize_rows(image: torch.Tensor, size: int, wraps: bool, edge: str) -> torch.Tensor:
    before = image.shape[-2]
    if size == before:
        return image
    image = image.contiguous()  # whole rows are gathered several times as fast as single pixels
    pitch = before / size
    width = max(pitch, 1)  # of the kernel's unit, in cells of the input
    centre = (torch.arange(size, dtype=torch.float64) + 0.5) * pitch - 0.5
    first = (centre - 2 * width).ceil()
    taps = [first + number for number in range(int(4 * width) + 1)]
    weights = [_cubic((tap - centre) / width) for tap in taps]
    if edge == INSIDE and not wraps:
        weights = [weight * ((tap >= 0) & (tap < before)) for tap, weight in zip(taps, weights, strict=True)]
    total = torch.stack(weights).sum(0)
    result = image.new_zeros(*image.shape[:-2], size, image.shape[-1])
    for tap, weight in zip(taps, weights, strict=True):
        position = tap.long() % before if wraps else tap.long().clamp(0, before - 1)
        share = (weight / total).to(image.dtype).to(image.device)
        result += image.index_select(-2, position.to(image.device)) * share.unsqueeze(-1)
    return result


def _cubic(distance: torch.Tensor) -> torch.Tensor:
    t = distance.abs()
    near = 1.5 * t**3 - 2.5 * t**2 + 1
    far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return torch.where(t <= 1, near, torch.where(t < 2, far, torch.zeros_like(t)))
