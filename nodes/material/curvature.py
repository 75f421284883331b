"""Mean curvature of a height map: where the surface is a ridge, and where a groove."""

import torch

from ..common.axes import Axes
from .derivatives import KERNELS, extend, kernel_gradient

# The second derivative's 8th-order kernel: the middle, then the two neighbours at each distance.
SECOND = (-205 / 72, 8 / 5, -1 / 5, 8 / 315, -1 / 560)


def mean_curvature(height: torch.Tensor, axes: Axes) -> torch.Tensor:
    """The mean curvature of (B, 1, H, W) heights in pixels, in 1/pixel: positive in hollows, negative on ridges.

    A ball of radius R under the surface has -1/R. H = [(1+q^2) r - 2pqs + (1+p^2) t] / [2 (1+p^2+q^2)^1.5] with the
    first derivatives p, q and the second r, s, t, each by a kernel of 8th order.
    """
    kernel = KERNELS["eighth_order"]
    around = extend(height, kernel.radius, axes)
    p, q = kernel_gradient(around, kernel)
    _, s = kernel_gradient(extend(p, kernel.radius, axes), kernel)
    reach = kernel.radius
    r = _second_along_rows(around[..., reach:-reach, :])
    t = _second_along_rows(around[..., reach:-reach].mT).mT
    return ((1 + q * q) * r - 2 * p * q * s + (1 + p * p) * t) / (2 * (1 + p * p + q * q) ** 1.5)


def _second_along_rows(around: torch.Tensor) -> torch.Tensor:
    reach = len(SECOND) - 1
    width = around.shape[-1] - 2 * reach
    middle = around.narrow(-1, reach, width)

    def bend(distance: int) -> torch.Tensor:  # from differences, so that a plane has none at all
        before, after = around.narrow(-1, reach - distance, width), around.narrow(-1, reach + distance, width)
        return (before - middle) + (after - middle)

    return sum(weight * bend(distance) for distance, weight in enumerate(SECOND) if distance > 0)


def curvature_range(curvature: torch.Tensor) -> float:
    """The amount of curvature that one pixel in two hundred exceeds: a range in which the others can be seen."""
    amounts = curvature.abs().flatten()
    return float(amounts.kthvalue(max(1, round(0.995 * len(amounts)))).values)
