"""Mean curvature of a height map: where the surface is a ridge, and where a groove."""

import torch

from ..common.axes import Axes
from .derivatives import KERNELS, kernel_slope
from .extrapolate import strip_around
from .strips import empty_image, lines_at_once, row_strips

# The second derivative's 8th-order kernel: the middle, then the two neighbours at each distance.
SECOND = (-205 / 72, 8 / 5, -1 / 5, 8 / 315, -1 / 560)
KERNEL = KERNELS["eighth_order"]
STRIP_PIXELS = 2**17


def mean_curvature(height: torch.Tensor, scale: float, axes: Axes, dtype: torch.dtype | None = None) -> torch.Tensor:
    """The mean curvature of (B, 1, H, W) heights of which a rise of 1 is `scale` pixels; in `dtype` or the heights'.

    In 1/pixel: positive in hollows, negative on ridges; a ball of radius R under the surface has -1/R.
    H = [(1+q^2) r - 2pqs + (1+p^2) t] / [2 (1+p^2+q^2)^1.5] with the first derivatives p, q and the second r, s, t,
    each by a kernel of 8th order. Computed in strips and in float64: what is left of rounding errors is that of the
    heights themselves, which in float32 is up to 2e-7 * scale. Where that counts, smooth them first, into float64.
    """
    curvature = empty_image(height, 1, dtype)
    for strip in row_strips(height.shape[-2], lines_at_once(height, STRIP_PIXELS)):
        around = strip_around(height, strip, KERNEL.radius, axes)
        curvature[..., strip, :] = _mean_curvature(around.double() * scale)
    return curvature


def _mean_curvature(around: torch.Tensor) -> torch.Tensor:
    reach = KERNEL.radius
    p_and_around = kernel_slope(around, KERNEL, -1)
    p, s = p_and_around[..., reach:-reach, :], kernel_slope(p_and_around, KERNEL, -2)
    q = kernel_slope(around[..., reach:-reach], KERNEL, -2)
    r, t = _bend(around[..., reach:-reach, :], -1), _bend(around[..., reach:-reach], -2)
    return ((1 + q * q) * r - 2 * p * q * s + (1 + p * p) * t) / (2 * (1 + p * p + q * q) ** 1.5)


def _bend(around: torch.Tensor, dim: int) -> torch.Tensor:
    """The second derivative along `dim` of (..., n + 2 * reach, ...) -> (..., n, ...)."""
    reach = KERNEL.radius
    size = around.shape[dim] - 2 * reach
    middle = around.narrow(dim, reach, size)

    def bend(distance: int) -> torch.Tensor:  # from differences, so that a plane has none at all
        before, after = around.narrow(dim, reach - distance, size), around.narrow(dim, reach + distance, size)
        return (before - middle) + (after - middle)

    bends = (weight * bend(distance) for distance, weight in enumerate(SECOND) if distance > 0)
    return sum(bends, start=torch.zeros(()))


def curvature_range(curvature: torch.Tensor) -> float:
    """The amount of curvature that one pixel in two hundred exceeds: a range in which the others can be seen."""
    amounts = curvature.abs().flatten()
    return float(amounts.kthvalue(max(1, round(0.995 * len(amounts)))).values)
