"""The height of a surface of which both normals and a height are known, each with errors of its own.

A height map that is off by e is off by e times its range at every wave; normals that are off by e give a height whose
error grows with the wave. So long waves are better in the height, all others in the normals. The most likely surface
weighs both at each frequency k by 1 / error^2 (a screened Poisson equation; Bhat et al., Fourier analysis of the 2D
screened Poisson equation for gradient domain problems, 2008).
"""

import math
from dataclasses import dataclass

import torch

from ..common.axes import Axes
from ..common.conventions import slopes
from .derivatives import height_gradient
from .filters import gaussian_blur
from .height_from_normal import integrate_slopes
from .normals import normal_map
from .validation import FOLLOWS

STEEPEST = 10.0  # slopes beyond it are noise of a normal that lies nearly flat: 84 degrees
SAME_ERROR = 2.0  # a value that is off by e changes a slope of a decoded normal by 2 e
NOISE = 2.0  # pixels: the sigma of the blur that takes an autoencoder's noise off a height map


@dataclass(frozen=True)
class FusedHeight:
    """height (B, 1, H, W) in pixels, of mean 0. scale (B) is the rise of the height map from 0 to 1 in pixels, as the
    normals say; correlation (B) that of its slopes with theirs, -1..1, both without noise. used (B) says whether the
    height map is part of the height, which is that of the normals alone otherwise."""

    height: torch.Tensor
    scale: torch.Tensor
    correlation: torch.Tensor
    used: torch.Tensor


def fused_height(normals: torch.Tensor, height: torch.Tensor, method: str, axes: Axes) -> FusedHeight:
    """The surface of encoded OpenGL normals (B, 3, H, W) and of a height map (B, 1, H, W) of 0..1.

    `method` is the one of `derivatives.METHODS` that made the normals. A height map that does not follow the normals
    is not used: it would flatten the surface, as its fitted rise is small and so its errors look small too.
    """
    integrated = _integrated(normals, method, axes)
    smooth = [gaussian_blur(image, NOISE, axes) for image in (integrated, height)]
    scale, correlation = _rise(*smooth), _correlation(*(height_gradient(image, method, axes) for image in smooth))
    used = (correlation >= FOLLOWS) & (scale > 0)
    rise = torch.where(used, scale, torch.zeros_like(scale)).view(-1, 1, 1, 1)
    return FusedHeight(fuse(integrated, rise * height, screening(rise), axes), scale, correlation, used)


def _rise(integrated: torch.Tensor, height: torch.Tensor) -> torch.Tensor:
    """By how much a height map is to be multiplied to be the integrated height, by least squares, (B).

    Both without noise: what a height map has of it would make it look too high, and the factor too small.
    """
    other = height - height.mean((-1, -2), keepdim=True)
    return (integrated * other).sum((1, 2, 3)) / other.square().sum((1, 2, 3)).clamp(min=1e-20)


def _correlation(found: tuple[torch.Tensor, torch.Tensor], painted: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Of the slopes (across, down) of two heights, (B), 0 where one of them is flat."""
    one, other = torch.cat(found, 1), torch.cat(painted, 1)
    both, own, others = (product.sum((1, 2, 3)) for product in (one * other, one.square(), other.square()))
    return both / (own * others).sqrt().clamp(min=1e-20)


def screening(scale: torch.Tensor) -> torch.Tensor:
    """lambda = (error of slopes / error of heights)^2, in 1/pixels^2, where values of both maps are off by the same.

    scale: the rise of the height map from 0 to 1 in pixels. 0 where it is 0, which leaves the height map out.
    """
    return torch.where(scale > 0, (SAME_ERROR / scale.clamp(min=1e-9)).square(), torch.zeros_like(scale))


def fuse(integrated: torch.Tensor, height: torch.Tensor, screening: torch.Tensor, axes: Axes) -> torch.Tensor:
    """(k^2 integrated + lambda height) / (k^2 + lambda) at each frequency k, both (B, 1, H, W) in pixels.

    screening is lambda, (B, 1, 1, 1) or a number. Along an axis that does not wrap both go on as their mirror image.
    """
    rows, columns = integrated.shape[-2:]
    one, other = (torch.fft.rfft2(_mirrored(image - image.mean((-1, -2), keepdim=True), axes))
                  for image in (integrated, height))  # fmt: skip
    size = (rows if axes.y else 2 * rows, columns if axes.x else 2 * columns)
    across = 2 * math.pi * torch.fft.rfftfreq(size[1], dtype=integrated.dtype, device=integrated.device)
    down = 2 * math.pi * torch.fft.fftfreq(size[0], dtype=integrated.dtype, device=integrated.device)
    energy = across.square() + down.square()[:, None]
    weight = energy / (energy + screening).clamp(min=1e-20)
    fused = torch.fft.irfft2(other + weight * (one - other), s=size)[..., :rows, :columns]
    return fused - fused.mean((-1, -2), keepdim=True)


def integrable_normals(normals: torch.Tensor, method: str, axes: Axes) -> torch.Tensor:
    """The nearest encoded OpenGL normals (B, 3, H, W) that a surface has, of unit length (Frankot and Chellappa)."""
    return normal_map(_integrated(normals, method, axes), 1.0, method, axes, "OpenGL")


def _integrated(normals: torch.Tensor, method: str, axes: Axes) -> torch.Tensor:
    """The height (B, 1, H, W) in pixels whose slopes are nearest to those of encoded OpenGL normals."""
    p, q = (slope.clamp(-STEEPEST, STEEPEST) for slope in slopes(normals, "OpenGL"))
    return integrate_slopes(lambda rows: (p[..., rows, :], q[..., rows, :]), normals, method, axes)


def _mirrored(image: torch.Tensor, axes: Axes) -> torch.Tensor:
    if not axes.x:
        image = torch.cat([image, image.flip(-1)], -1)
    return image if axes.y else torch.cat([image, image.flip(-2)], -2)
