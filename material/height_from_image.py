"""A height map out of a picture: light removed, detail weighed by its size, levels set."""

from dataclasses import dataclass

import torch

from ..common.axes import Axes
from ..common.errors import InputError
from .filters import gaussian_blur
from .map_inputs import luminance

SOURCES = ["luminance", "red", "green", "blue", "alpha"]
FINE = 0.004  # details up to here are fine, in parts of the width: 4 px at 1K
MEDIUM = 0.03  # details up to here are medium, above it large
DARKEST_LIGHT = 0.02  # light below this is taken for a dark material: shadows are not amplified without end


@dataclass(frozen=True)
class DetailGains:
    """How much of the fine, the medium and the large shapes goes into the height; 1 keeps them as they are."""

    fine: float = 1.0
    medium: float = 1.0
    large: float = 1.0


def choose_channel(image: torch.Tensor, source: str) -> torch.Tensor:
    """(B, C, H, W) -> (B, 1, H, W): one of `SOURCES`. Raises `InputError` for an image without alpha."""
    if image.shape[1] < 3 and source != "alpha":
        return image[:, :1]
    if source == "luminance":
        return luminance(image)
    channel = SOURCES.index(source) - 1
    if channel >= image.shape[1]:
        raise InputError(
            f"The image has {image.shape[1]} channels and no alpha. Choose another source, or connect an image with "
            "alpha."
        )
    return image[:, [channel]]


def remove_light(image: torch.Tensor, amount: float, radius: float, axes: Axes) -> torch.Tensor:
    """Divide (B, 1, H, W) by its large-scale brightness, 0 <= amount <= 1 of the way; the mean brightness stays.

    Light multiplies the picture, also in encoded (gamma) values, so dividing takes light and its loss of contrast
    away together. `radius` is the Gaussian's sigma in parts of the width: shapes larger than that count as light.
    """
    if amount == 0:
        return image
    light = gaussian_blur(image, radius * image.shape[-1], axes).clamp(min=DARKEST_LIGHT)
    mean = light.mean((-1, -2), keepdim=True)
    return image * (mean / light) ** amount


def weigh_details(image: torch.Tensor, gains: DetailGains, axes: Axes) -> torch.Tensor:
    """Split (B, 1, H, W) into fine, medium and large shapes and add them up again with `gains`, about the mean."""
    width = image.shape[-1]
    without_fine = gaussian_blur(image, FINE * width, axes)
    only_large = gaussian_blur(image, MEDIUM * width, axes)
    mean = image.mean((-1, -2), keepdim=True)
    fine, medium, large = image - without_fine, without_fine - only_large, only_large - mean
    return mean + gains.fine * fine + gains.medium * medium + gains.large * large


def stretch(image: torch.Tensor, clip: float) -> torch.Tensor:
    """Stretch each (1, H, W) of a batch to 0..1, with `clip` (0 to 0.5) of its pixels cut off at either end.

    An image of one value becomes 0.5.
    """
    values = image.flatten(1)
    cut = int(clip * values.shape[1])
    low = values.kthvalue(cut + 1, dim=1).values[:, None, None, None]
    high = values.kthvalue(values.shape[1] - cut, dim=1).values[:, None, None, None]
    flat = high <= low
    stretched = (image - low) / torch.where(flat, 1, high - low)
    return torch.where(flat, 0.5, stretched).clamp(0, 1)


def set_levels(image: torch.Tensor, black: float, white: float, gamma: float) -> torch.Tensor:
    """What lies at `black` becomes 0, at `white` 1, and gamma above 1 lifts the middle, as in an image editor."""
    return ((image - black) / (white - black)).clamp(0, 1) ** (1 / gamma)
