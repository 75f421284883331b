"""The height map of a normal map: the surface whose slopes are nearest to the given ones, by Frankot and Chellappa.

R. T. Frankot, R. Chellappa, A method for enforcing integrability in shape from shading algorithms, IEEE TPAMI 10(4),
1988. Here with the frequency response of the kernel that made the normals, so that the way there and back is exact.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..common.axes import Axes
from ..common.conventions import slopes
from .derivatives import KERNELS, SPECTRAL, Kernel, gradient_in_strips
from .normals import decode_normals
from .strips import empty_image, lines_at_once, row_strips

FLAT = 1e-4  # pixels of relief below which a surface is flat: what 16-bit normals cannot tell from nothing
STRIP_PIXELS = 2**16
SAMPLE, SPREAD = 2**22, 16  # pixels that tell the misfit of a larger map, in at least so many strips all over it
BLIND = 1e-4  # of the true slope's energy: where a kernel sees less, dividing by it would only amplify noise

SlopesOfRows = Callable[[slice], tuple[torch.Tensor, torch.Tensor]]


@dataclass(frozen=True)
class Relief:
    """A height map (B, 1, H, W) of 0..1, and how far it rises from 0 to 1 in pixels, per image (B).

    misfit is the mean angle in degrees between the given normals and those of the height: what of the normal map is
    no surface; of large maps in strips of rows all over it. An image without any slope is 0.5 throughout, with a range
    of 0.
    """

    height: torch.Tensor
    range: torch.Tensor
    misfit: torch.Tensor


def height_from_normals(image: torch.Tensor, convention: str, method: str, axes: Axes) -> Relief:
    """The height that encoded normals (B, 3, H, W) in 0..1 stand for; `method` is the one that made them.

    Beside the height it needs 8 bytes a pixel, or 16 where the map does not wrap along x, and some strips.
    """
    height = integrate_slopes(lambda rows: slopes(image[..., rows, :], convention), image, method, axes)
    misfit = _misfit(height, image, convention, method, axes)
    lowest = height.amin((-1, -2), keepdim=True)
    span = height.amax((-1, -2), keepdim=True) - lowest
    flat = span < FLAT
    height = height.sub_(lowest).div_(torch.where(flat, 1, span)).masked_fill_(flat, 0.5)
    return Relief(height, torch.where(flat, 0, span).flatten(), misfit)


def _misfit(height: torch.Tensor, image: torch.Tensor, convention: str, method: str, axes: Axes) -> torch.Tensor:
    """The mean angle in degrees between the normals of heights in pixels and encoded ones, per image (B)."""
    batch, _, rows, columns = height.shape
    total, seen = torch.zeros(batch, dtype=torch.float64), 0
    at_once = lines_at_once(image, STRIP_PIXELS)
    every = max(1, min(rows * columns // SAMPLE, rows // at_once // SPREAD))
    for strip, p, q in gradient_in_strips(height, method, axes, at_once, every):
        x, y, z = decode_normals(image[:, :3, strip]).split(1, dim=1)
        y = -y if convention == "OpenGL" else y  # rows run downwards, so the surface's normal is (-p, -q, 1)
        along = torch.addcmul(torch.addcmul(z, p, x, value=-1), q, y, value=-1)
        aside = torch.addcmul((y + q * z).square_(), x + p * z, x + p * z).addcmul_(q * x - p * y, q * x - p * y)
        # By sine and cosine: the cosine alone knows nothing below 0.02 degrees in float32.
        total += torch.rad2deg(torch.atan2(aside.sqrt_(), along)).sum((-1, -2, -3)).cpu().double()
        seen += columns * (strip.stop - strip.start)
    return total / seen


def integrate_slopes(slopes_of: SlopesOfRows, like: torch.Tensor, method: str, axes: Axes) -> torch.Tensor:
    """The height in pixels, of mean 0, that has the given slopes: -> (B, 1, H, W).

    `slopes_of` gives the slopes to the right and downwards of some rows, each (B, 1, rows, W), of an image of the
    size and type of `like` (B, C, H, W). `method` is the one of `derivatives.METHODS` that made them. Along an axis
    that does not wrap the surface continues as its mirror image. A tilt of the whole surface along a wrapping axis is
    no periodic height: it is lost. Rows are transformed in strips, then columns with everything that needs both.
    """
    rows, columns = like.shape[-2:]
    size = columns if axes.x else 2 * columns
    spectrum, of_q = _spectra_of_rows(slopes_of, like, method, axes)
    blocks, width = spectrum.shape[-3], spectrum.shape[-1]
    across = 2 * math.pi / size * torch.arange(blocks * width, dtype=like.dtype, device=like.device)
    for block, frequencies in enumerate(across.split(width)):
        p, q = spectrum[..., block, :, :], of_q[..., block, :, :]
        p[:] = _integrate_columns(p, q, frequencies, method, axes.y)
    height = empty_image(like, 1)
    for strip in row_strips(rows, lines_at_once(like, STRIP_PIXELS)):
        of_rows = spectrum[..., strip, :].movedim(-3, -2).flatten(-2)
        height[..., strip, :] = torch.fft.irfft(of_rows, n=size)[..., :columns]
    return height


def _spectra_of_rows(
    slopes_of: SlopesOfRows, like: torch.Tensor, method: str, axes: Axes
) -> tuple[torch.Tensor, torch.Tensor]:
    """The spectra along the rows of both slopes, (B, 1, blocks, H, frequencies of a block); the last is filled with 0.

    A block is what is transformed along the columns at once. Side by side in memory it is read twice as fast.
    """
    rows, columns = like.shape[-2:]
    frequencies = columns // 2 + 1 if axes.x else columns + 1
    width = min(frequencies, lines_at_once(like, STRIP_PIXELS, -2))
    count = math.ceil(frequencies / width)
    both = [empty_image(like, count, like.dtype.to_complex(), width)[:, None] for _ in range(2)]
    for strip in row_strips(rows, lines_at_once(like, STRIP_PIXELS)):
        found = slopes_of(strip)
        for blocks, slope in zip(both, found if axes.x else _mirror_slopes(*found, method), strict=True):
            spectrum = torch.nn.functional.pad(torch.fft.rfft(slope), (0, count * width - frequencies))
            blocks[..., strip, :] = spectrum.unflatten(-1, (count, width)).movedim(-2, -3)
    return both[0], both[1]


def _integrate_columns(
    p: torch.Tensor, q: torch.Tensor, across: torch.Tensor, method: str, wraps: bool
) -> torch.Tensor:
    """The spectrum along the rows of the height, from those of the slopes: (B, 1, H, some frequencies) each."""
    rows = p.shape[-2]
    if not wraps:
        q, p = (slope.mT for slope in _mirror_slopes(q.mT, p.mT, method))
    down = 2 * math.pi * torch.fft.fftfreq(p.shape[-2], dtype=across.dtype, device=p.device)[:, None]
    u, v = slope_response(across, down, method), slope_response(down, across, method)
    energy = u.square() + v.square()
    seen = energy > BLIND * (across.square() + down.square())
    gain = -1j * torch.where(seen, 1 / energy, 0.0)
    height = torch.fft.fft(p, dim=-2) * (u * gain) + torch.fft.fft(q, dim=-2) * (v * gain)
    return torch.fft.ifft(height, dim=-2)[..., :rows, :]


def slope_response(along: torch.Tensor, across: torch.Tensor, method: str) -> torch.Tensor:
    """The real factor u of a method's response i u to the wave with frequencies `along` and `across` its direction."""
    if method == SPECTRAL:
        return torch.where(along.abs() < math.pi - 1e-4, along, 0.0) + 0 * across
    kernel = KERNELS[method]
    waves = (2 * weight * torch.sin((i + 1) * along) for i, weight in enumerate(kernel.slope))
    slope = sum(waves, start=torch.zeros(()))
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
    waves = (2 * weight * torch.cos((i + 1) * across) for i, weight in enumerate(kernel.across[1:]))
    return kernel.across[0] + sum(waves, start=torch.zeros(()))
