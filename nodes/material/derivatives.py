"""First derivatives of a height map, per pixel.

Every kernel has unit gain: on a ramp that rises by one per pixel it answers exactly 1.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from ..common.axes import Axes
from .spectra import filter_lines

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
    height: torch.Tensor, method: str, axes: Axes, rows: int
) -> Iterator[tuple[slice, torch.Tensor, torch.Tensor]]:
    """`height_gradient` as strips of at most `rows` rows, so that what is made of them stays small: rows, p, q."""
    if method == SPECTRAL:
        p, q = height_gradient(height, method, axes)
        for strip in _strips(height.shape[-2], rows):
            yield strip, p[..., strip, :], q[..., strip, :]
        return
    kernel = KERNELS[method]
    for strip in _strips(height.shape[-2], rows):
        tall = extend_rows(height, strip, kernel.radius, axes.y)
        wide = _extend_last(tall, kernel.radius, axes.x)
        yield strip, *kernel_gradient(wide, kernel)


def kernel_gradient(extended: torch.Tensor, kernel: Kernel) -> tuple[torch.Tensor, torch.Tensor]:
    """Both derivatives of (..., H + 2r, W + 2r) by a kernel of radius r -> two of (..., H, W)."""
    p = _slope_last(_smooth_last(extended.mT, kernel).mT, kernel)
    q = _slope_last(_smooth_last(extended, kernel).mT, kernel).mT
    return p, q


def extend(image: torch.Tensor, pad: int, axes: Axes) -> torch.Tensor:
    """Continue (..., H, W) by `pad` pixels all round: wrapped along `axes`, else along the border's parabola."""
    image = _extend_last(image, pad, axes.x)
    return _extend_last(image.mT, pad, axes.y).mT


def extend_rows(image: torch.Tensor, rows: slice, pad: int, wraps: bool) -> torch.Tensor:
    """The given rows of (..., H, W) with `pad` more above and below, continued as by `extend`."""
    height = image.shape[-2]
    first, last = rows.start - pad, rows.stop + pad
    if first >= 0 and last <= height:
        return image[..., first:last, :]
    if wraps:
        return image.index_select(-2, torch.arange(first, last, device=image.device) % height)
    inside = image[..., max(first, 0) : min(last, height), :]
    above = _parabola(image[..., :3, :].mT, max(-first, 0)).mT
    below = _parabola(image[..., -3:, :].flip(-2).mT, max(last - height, 0)).flip(-1).mT
    return torch.cat([above, inside, below], dim=-2)


def _extend_last(image: torch.Tensor, pad: int, wraps: bool) -> torch.Tensor:
    if wraps:
        position = torch.arange(-pad, image.shape[-1] + pad, device=image.device)
        return image.index_select(-1, position % image.shape[-1])
    before, after = _parabola(image[..., :3], pad), _parabola(image[..., -3:].flip(-1), pad).flip(-1)
    return torch.cat([before, image, after], dim=-1)


def _parabola(image: torch.Tensor, pad: int) -> torch.Tensor:
    # From differences, so that a constant continues as exactly that constant.
    edge, second, third = image[..., 0:1], image[..., 1:2], image[..., 2:3]
    steps = torch.arange(pad, 0, -1, device=image.device, dtype=image.dtype)
    return edge + steps * (edge - second) + steps * (steps + 1) / 2 * ((edge - second) - (second - third))


def _slope_last(image: torch.Tensor, kernel: Kernel) -> torch.Tensor:
    middle, width = kernel.radius, image.shape[-1] - 2 * kernel.radius

    def difference(reach: int) -> torch.Tensor:
        return image.narrow(-1, middle + reach, width) - image.narrow(-1, middle - reach, width)

    slope = difference(1) * kernel.slope[0]
    for i, weight in enumerate(kernel.slope[1:], start=2):
        slope = torch.add(slope, difference(i), alpha=weight)
    return slope


def _smooth_last(image: torch.Tensor, kernel: Kernel) -> torch.Tensor:
    middle, width = kernel.radius, image.shape[-1] - 2 * kernel.radius
    smoothed = image.narrow(-1, middle, width)
    if not kernel.across:
        return smoothed
    smoothed = kernel.across[0] * smoothed
    for reach, weight in enumerate(kernel.across[1:], start=1):
        neighbours = image.narrow(-1, middle + reach, width) + image.narrow(-1, middle - reach, width)
        smoothed = torch.add(smoothed, neighbours, alpha=weight)
    return smoothed


def _spectral_slope(height: torch.Tensor, dim: int, wraps: bool) -> torch.Tensor:
    def response(omega: torch.Tensor) -> torch.Tensor:
        return 1j * torch.where(omega < torch.pi - 1e-9, omega, 0.0)  # the Nyquist frequency has no slope at the pixels

    return filter_lines(height - height.narrow(dim, 0, 1), response, dim, wraps)


def _strips(height: int, rows: int) -> Iterator[slice]:
    for first in range(0, height, rows):
        yield slice(first, min(first + rows, height))
