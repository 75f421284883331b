"""Roughness guessed from what a picture shows: its brightness, how busy it is, its hollows, and water in them.

No picture says how rough a surface is: every term is a rule of thumb whose weight the artist sets.
"""

from dataclasses import dataclass

import torch

from ..common.axes import Axes
from .filters import gaussian_blur
from .height_from_image import remove_light

LEAST_SPREAD = 0.02  # of brightness or height: a picture that varies less is even, and its noise is not amplified
LIGHT = 0.12  # parts of the width: brightness that varies over more than this is the light's, not the material's
WATER = 0.06  # the roughness of still water
SHORE = 0.1  # of the height's range above the water line: how far up the surface is still damp


@dataclass(frozen=True)
class RoughnessRules:
    """What the estimate is made of. Each weight is by how much a typical extreme (two standard deviations) moves it.

    roughness is the even level that the weights start from; brightness raises it where the picture is bright, contrast
    where it is busy, cavities in the hollows of the height. flatten is how much of the large-scale light is divided out
    first, radius the size of details in parts of the width; lowest and highest bound the dry result. wetness is the
    share of the surface under water, from its lowest parts up.
    """

    roughness: float = 0.6
    brightness: float = 0.15
    contrast: float = 0.1
    cavities: float = 0.2
    flatten: float = 0.5
    radius: float = 0.01
    lowest: float = 0.1
    highest: float = 1.0
    wetness: float = 0.0


def estimate_roughness(
    luminance: torch.Tensor, height: torch.Tensor | None, rules: RoughnessRules, axes: Axes
) -> tuple[torch.Tensor, torch.Tensor]:
    """A roughness map in 0..1 from the luminance and, where there is one, the height, and how wet it is, in 0..1.

    All are (B, 1, H, W). Without a height the hollows are left out and water lies everywhere as an even film. Filters
    wrap along `axes`.
    """
    sigma = rules.radius * luminance.shape[-1]
    unlit = remove_light(luminance, rules.flatten, LIGHT, axes)
    rough = rules.roughness + rules.brightness * deviation(unlit)
    rough = rough + rules.contrast * deviation(local_contrast(unlit, sigma, axes))
    if height is not None:
        rough = rough + rules.cavities * deviation(gaussian_blur(height, sigma, axes) - height)
    dry = rough.clamp(rules.lowest, rules.highest)
    wet = water(luminance, height, rules.wetness)
    return torch.lerp(dry, dry.clamp(max=WATER), wet), wet


def deviation(image: torch.Tensor) -> torch.Tensor:
    """(B, 1, H, W) about the mean of each image, in units of two standard deviations, clipped to -1..1."""
    spread = image.std((-1, -2), keepdim=True, correction=0)
    return ((image - image.mean((-1, -2), keepdim=True)) / (2 * spread.clamp(min=LEAST_SPREAD / 2))).clamp(-1, 1)


def local_contrast(image: torch.Tensor, sigma: float, axes: Axes) -> torch.Tensor:
    """The standard deviation of (B, 1, H, W) around every pixel, weighed by a Gaussian of `sigma` pixels."""
    around = gaussian_blur(image, sigma, axes)
    return gaussian_blur((image - around).square(), sigma, axes).clamp(min=0).sqrt()


def water(luminance: torch.Tensor, height: torch.Tensor | None, wetness: float) -> torch.Tensor:
    """How wet every pixel is, (B, 1, H, W) in 0..1: 1 in the lowest `wetness` of the surface, fading up its shore."""
    if height is None or wetness == 0:
        return torch.full_like(luminance, wetness)
    heights = height.flatten(1)
    count = round(wetness * heights.shape[1])
    line = heights.kthvalue(max(count, 1), dim=1).values[:, None, None, None]
    span = height.amax((-1, -2), keepdim=True) - height.amin((-1, -2), keepdim=True)
    above = (height - line) / (SHORE * span).clamp(min=1e-6)
    return (1 - above).clamp(0, 1)
