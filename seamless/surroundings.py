"""The colours around a spot of a texture: laid over the spot, or given to what was painted into it."""

import torch

from ..common.axes import Axes
from ..material.filters import gaussian_blur

FAINT = 1e-3  # where a spot's surroundings reach less than this, their mean takes over
REACH = 2 / 3  # of a spot's area by its outline: a band's half width, two fifths of a disk's radius


def surroundings(image: torch.Tensor, weight: torch.Tensor, axes: Axes, sigma: float) -> torch.Tensor:
    """What lies outside the weight (H, W) of (B, C, H, W), blurred into it: a normalised convolution by a Gaussian of
    `sigma` pixels. Where all is weighted, the image's mean."""
    known = (weight == 0).to(image)
    if not known.any():
        return image.mean((-2, -1), keepdim=True).expand_as(image)
    return _blurred_within(image, known, axes, sigma)


def in_colors_around(painted: torch.Tensor, image: torch.Tensor, weight: torch.Tensor, axes: Axes) -> torch.Tensor:
    """`painted` (B, C, H, W) with the colours that `image` has around the spot, and its own detail.

    What changes slowly in the painted spot, (H, W) where the weight is 1, is replaced by what changes slowly around it
    (frequency separation), in proportion to the weight; values stay within those of both. A spot that fills the image,
    or is nowhere whole, stays.
    """
    whole = (weight > 0.99).to(painted)
    if not whole.any() or not (weight == 0).any():
        return painted
    sigma = REACH * width_of(weight > 0, axes)
    wanted, found = surroundings(image, weight, axes, sigma), _blurred_within(painted, whole, axes, sigma)
    lowest, highest = (torch.stack([extreme(painted), extreme(image)]) for extreme in (torch.amin, torch.amax))
    return (painted + weight.to(painted) * (wanted - found)).clamp(lowest.amin(), highest.amax())


def width_of(spot: torch.Tensor, axes: Axes) -> float:
    """Area of a spot (H, W) by the length of its outline, in pixels: half the width of a band, a bit less than half of
    a disk's radius."""
    outline = 0
    for dim, wraps in ((-1, axes.x), (-2, axes.y)):
        changes = spot != spot.roll(1, dim)
        outline += int((changes if wraps else changes.narrow(dim, 1, changes.shape[dim] - 1)).sum())
    return int(spot.sum()) / max(outline, 1)


def _blurred_within(image: torch.Tensor, known: torch.Tensor, axes: Axes, sigma: float) -> torch.Tensor:
    """The mean of the known pixels (H, W, 1 or 0) around each place, weighted by a Gaussian."""
    shares = gaussian_blur(known[None, None], sigma, axes)
    blurred = gaussian_blur(image * known, sigma, axes)
    mean = (image * known).sum((-2, -1), keepdim=True) / known.sum()
    return (blurred + FAINT * mean) / (shares + FAINT)
