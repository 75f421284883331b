"""What a texture looks like, in numbers that know neither where the tile begins nor how it is turned.

All are statistics on the torus: of octave bands of the brightness, how they go together, and of the colours. They are
in the manner of Portilla and Simoncelli, "A parametric texture model" (2000): power, skewness and kurtosis of each
band, its directions, and the correlation of the energies of neighbouring bands.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch

from ..common.oklab import oklab_from_srgb
from .spectrum import cycles, lowest_frequencies, on_grid

HIGHEST = 64  # cycles a tile: finer grain than this is not measured
BANDS = [(low, 2 * low) for low in (1, 2, 4, 8, 16, 32)]
_FAINT = 1e-6  # of the power: below it a share is as good as none


def texture_features(images: torch.Tensor) -> torch.Tensor:
    """(B, D) float64 of tiles (B, 3, H, W), sRGB in 0..1. D is the same for tiles of any size.

    Rolling, turning by quarters and mirroring a tile changes none of them; another size changes them little.
    """
    structure = torch.cat([_structure(image) for image in images.double().split(1)])
    return torch.cat([structure, _colors(images)], 1)


def _structure(image: torch.Tensor) -> torch.Tensor:
    """(1, 47) of (1, 3, H, W)."""
    grey = image.mean(1)
    spectrum = lowest_frequencies(grey - grey.mean((1, 2), keepdim=True), HIGHEST)
    power = spectrum.abs().square()
    total = power.sum((1, 2)).clamp(min=1e-12)
    shares = power / total[:, None, None]
    parts = [total.log()[:, None] / 2, _strong_waves(shares)]
    below = None
    for number, (_, high) in enumerate(BANDS):
        band = torch.where(_frequencies().inside[number], spectrum, 0)
        parts += [_directions(torch.where(_frequencies().inside[number], shares, 0)), *_moments(band, below, high)]
        below = band
    return torch.cat(parts, 1)


def _strong_waves(shares: torch.Tensor) -> torch.Tensor:
    """(B, 5): how much of the power the 2, 8 and 24 strongest waves hold, and the weaker and stronger axis."""
    strongest = shares.flatten(1).topk(24).values.cumsum(1)[:, [1, 7, 23]]
    middle = shares.shape[-1] // 2
    axes = torch.stack([shares[:, middle].sum(1), shares[:, :, middle].sum(1)], 1).sort(1).values
    return (torch.cat([strongest, axes], 1) + 1e-3).log()


@dataclass(frozen=True)
class _Frequencies:
    """Of every frequency of a spectrum (F, F): inside (bands, F, F) whether it is of a band, and waves (3, F, F), the
    second harmonics and the even fourth one of its direction."""

    inside: torch.Tensor
    waves: torch.Tensor


@lru_cache(maxsize=1)
def _frequencies() -> _Frequencies:
    down, across = cycles(HIGHEST)
    frequency, angle = torch.hypot(down, across), torch.atan2(down, across)
    inside = torch.stack([(frequency >= low) & (frequency < high) for low, high in BANDS])
    return _Frequencies(inside, torch.stack([(2 * angle).cos(), (2 * angle).sin(), (4 * angle).cos()]))


def _directions(shares: torch.Tensor) -> torch.Tensor:
    """(B, 4) of the power shares of one band: how much it holds, and how that lies along axes and diagonals.

    Turning the tile changes the signs of the first two harmonics of the direction, so their magnitudes stand here.
    """
    held = shares.sum((1, 2))
    mean = torch.einsum("bij,wij->wb", shares, _frequencies().waves) / (held + _FAINT)
    return torch.stack([(held + 1e-4).log(), mean[0].abs(), mean[1].abs(), mean[2]], 1)


def _moments(band: torch.Tensor, below: torch.Tensor | None, high: int) -> list[torch.Tensor]:
    """(B, 1) each: skewness and log kurtosis of a band, and how its energy goes with that of the band below.

    On a grid of four times the highest frequency the mean of a fourth power is exact, wherever the tile begins.
    """
    if not band.any():  # as in the finest bands of a small image
        return _moments_of_nothing(len(band), below is not None)
    field = _field(band, high)
    square = field.square()
    variance = square.mean((1, 2))
    sound = variance > _FAINT
    safe = variance.clamp(min=_FAINT)
    skewness = torch.where(sound, (square * field).mean((1, 2)) / safe.pow(1.5), 0)
    kurtosis = torch.where(sound, square.square().mean((1, 2)) / safe.square(), 3).clamp(min=1).log()
    moments = [skewness.abs().sqrt() * skewness.sign(), kurtosis]
    if below is not None:
        moments.append(_correlation(square, _field(below, high).square()))
    return [moment[:, None] for moment in moments]


def _moments_of_nothing(count: int, has_below: bool) -> list[torch.Tensor]:
    skewness = torch.zeros(count, 1, dtype=torch.float64)
    return [skewness, torch.full_like(skewness, 3).log(), *([skewness] if has_below else [])]


def _field(band: torch.Tensor, high: int) -> torch.Tensor:
    middle = band.shape[-1] // 2
    inside = slice(middle - high, middle + high + 1)
    return on_grid(band[:, inside, inside], 4 * high)


def _correlation(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    a, b = (values - values.mean((1, 2), keepdim=True) for values in (a, b))
    lengths = (a.square().mean((1, 2)) * b.square().mean((1, 2))).sqrt()
    return torch.where(lengths > _FAINT**2, (a * b).mean((1, 2)) / lengths.clamp(min=_FAINT**2), 0)


def _colors(images: torch.Tensor) -> torch.Tensor:
    """(B, 8) of (B, 3, H, W): means of the Oklab channels, their log spreads, and how hues follow the lightness."""
    lab = oklab_from_srgb(images.movedim(1, 0).float()).double().flatten(2)  # (3, B, H * W)
    mean = lab.mean(2)
    apart = lab - mean[:, :, None]
    spread = apart.square().mean(2).sqrt()
    following = (apart[1:] * apart[:1]).mean(2) / (spread[1:] * spread[:1] + 1e-4)
    return torch.cat([10 * mean, (spread + 5e-3).log(), following]).T
