"""First derivatives of a height map, per pixel.

Every kernel has unit gain: on a ramp that rises by one per pixel it answers exactly 1.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from ..common.axes import Axes
from .extrapolate import extend, strip_around
from .filters import filter_lines
from .strips import row_strips

SPECTRAL = "spectral"


@dataclass(frozen=True)
class Kernel:
    """A separable derivative kernel: odd along its own axis, even across it.

    slope[i] is the weight of f(x + i + 1) - f(x - i - 1); across[i] that of the two rows i away (the middle one
    for i = 0), () for no smoothing.
    """

    slope: tuple[float, ...]
    across: tuple[float, ...] = ()

    @property
    def radius(self) -> int:
        """How many pixels it reaches from its middle."""
        return max(len(self.slope), len(self.across) - 1)


# Scharr's: H. Scharr, Optimale Operatoren in der Digitalen Bildverarbeitung, 2000; the larger one to unit gain.
KERNELS = {
    "central": Kernel((1 / 2,)),
    "sobel": Kernel((1 / 2,), (1 / 2, 1 / 4)),
    "scharr": Kernel((1 / 2,), (10 / 16, 3 / 16)),
    "scharr_5": Kernel((0.3327, 0.08365), (0.4704, 0.2415, 0.0233)),
    "eighth_order": Kernel((4 / 5, -1 / 5, 4 / 105, -1 / 280)),
}
METHODS = [*KERNELS, SPECTRAL]


def height_gradient(height: torch.Tensor, method: str, axes: Axes) -> tuple[torch.Tensor, torch.Tensor]:
    """The rise of (..., H, W) per pixel to the right and per pixel down, for one of `METHODS`.

    Kernels wrap along `axes`; along the others they see the parabola through the border's last three pixels,
    which makes `central` the one-sided second-order difference there. The spectral method sees the mirror image.
    """
    if method == SPECTRAL:
        return _spectral_slope(height, -1, axes.x), _spectral_slope(height, -2, axes.y)
    kernel = KERNELS[method]
    return kernel_gradient(extend(height, kernel.radius, axes), kernel)


def gradient_in_strips(
    height: torch.Tensor, method: str, axes: Axes, rows: int, every: int = 1
) -> Iterator[tuple[slice, torch.Tensor, torch.Tensor]]:
    """`height_gradient` in strips of at most `rows` rows: which rows, p, q. The spectral q is computed as a whole.

    `every` as of `row_strips`.
    """
    strips = row_strips(height.shape[-2], rows, every)
    if method == SPECTRAL:
        q = _spectral_slope(height, -2, axes.y)
        for strip in strips:
            yield strip, _spectral_slope(height[..., strip, :], -1, axes.x), q[..., strip, :]
        return
    kernel = KERNELS[method]
    for strip in strips:
        yield strip, *kernel_gradient(strip_around(height, strip, kernel.radius, axes), kernel)


def kernel_gradient(extended: torch.Tensor, kernel: Kernel) -> tuple[torch.Tensor, torch.Tensor]:
    """Both derivatives of (..., H + 2r, W + 2r) by a kernel of radius r -> two of (..., H, W)."""
    return (
        kernel_slope(_smooth_to_middle(extended, kernel, -2), kernel, -1),
        kernel_slope(_smooth_to_middle(extended, kernel, -1), kernel, -2),
    )


def kernel_slope(smoothed: torch.Tensor, kernel: Kernel, dim: int) -> torch.Tensor:
    """The derivative along `dim` of (..., n + 2r, ...) that was smoothed across it -> (..., n, ...)."""
    size, gain = smoothed.shape[dim] - 2 * kernel.radius, kernel.across[0] if kernel.across else 1.0

    def difference(reach: int) -> torch.Tensor:
        after = smoothed.narrow(dim, kernel.radius + reach, size)
        return after - smoothed.narrow(dim, kernel.radius - reach, size)

    slope = difference(1).mul_(kernel.slope[0] * gain)
    for reach, weight in enumerate(kernel.slope[1:], start=2):
        slope = torch.add(slope, difference(reach), alpha=weight * gain)
    return slope


def _smooth_to_middle(image: torch.Tensor, kernel: Kernel, dim: int) -> torch.Tensor:
    """The rows smoothed across the slope, divided by the middle weight: it is multiplied in last, once."""
    size = image.shape[dim] - 2 * kernel.radius
    smoothed = image.narrow(dim, kernel.radius, size)
    for reach, weight in enumerate(kernel.across[1:], start=1):
        neighbours = image.narrow(dim, kernel.radius - reach, size) + image.narrow(dim, kernel.radius + reach, size)
        smoothed = torch.add(smoothed, neighbours, alpha=weight / kernel.across[0])
    return smoothed


def _spectral_slope(height: torch.Tensor, dim: int, wraps: bool) -> torch.Tensor:
    def response(omega: torch.Tensor) -> torch.Tensor:
        return 1j * torch.where(omega < torch.pi - 1e-9, omega, 0.0)  # the Nyquist frequency has no slope at the pixels

    return filter_lines(height, response, dim, wraps)
