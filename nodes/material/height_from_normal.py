"""The height map of a normal map: the surface whose slopes are nearest to the given ones, by Frankot and Chellappa.

R. T. Frankot, R. Chellappa, A method for enforcing integrability in shape from shading algorithms, IEEE TPAMI 10(4),
1988. Here with the frequency response of the kernel that made the normals, so that the way there and back is exact.
"""

import math
from dataclasses import dataclass

import torch

from ..common.axes import Axes
from .conventions import slopes
from .derivatives import KERNELS, SPECTRAL, Kernel
from .normals import decode_normals, decode_unit_normals, normal_map

FLAT = 1e-4  # pixels of relief below which a surface is flat: what 16-bit normals cannot tell from nothing
BLIND = 1e-4  # of the true slope's energy: where a kernel sees less, dividing by it would only amplify noise


@dataclass(frozen=True)
class Relief:
    """A height map (B, 1, H, W) of 0..1, and how far it rises from 0 to 1 in pixels, per image (B).

    misfit is the mean angle in degrees between the given normals and those of the height: what of the normal map is
    no surface. An image without any slope is 0.5 throughout, with a range of 0.
    """

    height: torch.Tensor
    range: torch.Tensor
    misfit: torch.Tensor


def height_from_normals(image: torch.Tensor, convention: str, method: str, axes: Axes) -> Relief:
    """The height that encoded normals (B, 3, H, W) in 0..1 stand for; `method` is the one that made them."""
    height = integrate_slopes(*slopes(image, convention), method, axes)
    lowest = height.amin((-1, -2), keepdim=True)
    span = height.amax((-1, -2), keepdim=True) - lowest
    flat = span < FLAT
    again = decode_normals(normal_map(height, 1.0, method, axes, convention))
    return Relief(
        torch.where(flat, 0.5, (height - lowest) / torch.where(flat, 1, span)),
        torch.where(flat, 0, span).flatten(),
        _mean_angle(again, decode_unit_normals(image[:, :3])),
    )


def _mean_angle(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    # By the chord, not the cosine: float32 cosines know nothing below 0.02 degrees.
    chord = (one - other).norm(dim=1)
    return torch.rad2deg(2 * torch.asin((chord / 2).clamp(max=1))).mean((-1, -2))


def integrate_slopes(p: torch.Tensor, q: torch.Tensor, method: str, axes: Axes) -> torch.Tensor:
    """The height in pixels, of mean 0, of slopes to the right and downwards: (B, 1, H, W) each -> (B, 1, H, W).

    `method` is the one of `derivatives.METHODS` that made the slopes. Along an axis that does not wrap the surface
    continues as its mirror image. A tilt of the whole surface along a wrapping axis is no periodic height: it is lost.
    """
    height, width = p.shape[-2:]
    if not axes.x:
        p, q = _mirror_slopes(p, q, method)
    if not axes.y:
        q, p = (slope.mT for slope in _mirror_slopes(q.mT, p.mT, method))
    rows, columns = p.shape[-2:]
    across = 2 * math.pi * torch.fft.rfftfreq(columns, dtype=p.dtype, device=p.device)[None, :]
    down = 2 * math.pi * torch.fft.fftfreq(rows, dtype=p.dtype, device=p.device)[:, None]
    u, v = slope_response(across, down, method), slope_response(down, across, method)
    energy = u.square() + v.square()
    seen = energy > BLIND * (across.square() + down.square())
    gain = torch.where(seen, 1 / energy, 0.0)
    spectrum = -1j * (torch.fft.rfft2(p) * (u * gain) + torch.fft.rfft2(q) * (v * gain))
    return torch.fft.irfft2(spectrum, s=(rows, columns))[..., :height, :width]


def slope_response(along: torch.Tensor, across: torch.Tensor, method: str) -> torch.Tensor:
    """The real factor u of a method's response i u to the wave with frequencies `along` and `across` its direction."""
    if method == SPECTRAL:
        return torch.where(along.abs() < math.pi - 1e-4, along, 0.0) + 0 * across
    kernel = KERNELS[method]
    slope = sum(2 * weight * torch.sin((i + 1) * along) for i, weight in enumerate(kernel.slope))
    return slope * _smoothing_response(across, kernel)


def _mirror_slopes(p: torch.Tensor, q: torch.Tensor, method: str) -> tuple[torch.Tensor, torch.Tensor]:
    if method != SPECTRAL and len(KERNELS[method].slope) == 1:
        # The one-sided slope at the border and its neighbour tell the first step of the surface exactly; half of it
        # is what the kernel sees between that surface and its mirror image.
        first, last = (p[..., :1] + p[..., 1:2]) / 4, (p[..., -2:-1] + p[..., -1:]) / 4
        p = torch.cat([first, p[..., 1:-1], last], dim=-1)
    return torch.cat([p, -p.flip(-1)], dim=-1), torch.cat([q, q.flip(-1)], dim=-1)


def _smoothing_response(across: torch.Tensor, kernel: Kernel) -> torch.Tensor:
    if not kernel.across:
        return torch.ones_like(across)
    return kernel.across[0] + sum(
        2 * weight * torch.cos((i + 1) * across) for i, weight in enumerate(kernel.across[1:])
    )
