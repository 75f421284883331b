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
VALUES = 2**16  # of grids that are summed at once: as many doubles as a processor's cache holds
_FAINT = 1e-6  # of the power: below it a share is as good as none


def texture_features(images: torch.Tensor) -> torch.Tensor:
    """(B, D) float64 of tiles (B, 3, H, W), sRGB in 0..1. D is the same for tiles of any size.

    Rolling, turning by quarters and mirroring a tile changes none of them; another size changes them little.
    """
    spectra = torch.cat([grey_spectrum(image) for image in images.split(1)])  # at once in doubles they are gigabytes
    return torch.cat([structure_features(spectra), color_features(images)], 1)


def grey_spectrum(images: torch.Tensor) -> torch.Tensor:
    """(B, F, F) of the brightness of (B, 3, H, W), its mean left out."""
    spectra = lowest_frequencies(images.double().mean(1), HIGHEST)
    spectra[:, HIGHEST, HIGHEST] = 0
    return spectra


def structure_features(spectra: torch.Tensor) -> torch.Tensor:
    """(B, 47) of the `grey_spectrum` of B tiles: all that a texture is but for its colours."""
    power = spectra.abs().square()
    total = power.sum((1, 2)).clamp(min=1e-12)
    shares = power / total[:, None, None]
    parts = [total.log()[:, None] / 2, _strong_waves(shares)]
    directions = _directions(shares)
    held = _highest_held(power)
    below = None
    for number, (_, high) in enumerate(BANDS):
        most = min(high, held + 1)
        band = _Band.of(_within(spectra, most) * _within(_frequencies().inside[number], most), below)
        parts += [directions[number], *band.statistics(below)]
        below = band
    return torch.cat(parts, 1)


def _within(spectra: torch.Tensor, most: int) -> torch.Tensor:
    """The middle (..., 2 * most + 1, 2 * most + 1) of (..., F, F), or all of it."""
    middle = spectra.shape[-1] // 2
    inside = slice(max(middle - most, 0), middle + most + 1)
    return spectra[..., inside, inside]


def _highest_held(power: torch.Tensor) -> int:
    """The highest frequency along an axis that any of (B, F, F) has: small images have none of the highest."""
    rows = power.sum(0)
    known = ((rows.sum(0) + rows.sum(1)) > 0).nonzero().flatten()
    return int((known - rows.shape[0] // 2).abs().amax()) if len(known) else 0


def _strong_waves(shares: torch.Tensor) -> torch.Tensor:
    """(B, 5): how much of the power the 2, 8 and 24 strongest waves hold, and the weaker and stronger axis."""
    strongest = shares.flatten(1).topk(24).values.cumsum(1)[:, [1, 7, 23]]
    middle = shares.shape[-1] // 2
    axes = torch.stack([shares[:, middle].sum(1), shares[:, :, middle].sum(1)], 1).sort(1).values
    return (torch.cat([strongest, axes], 1) + 1e-3).log()


@dataclass(frozen=True)
class _Frequencies:
    """Of every frequency of a spectrum (F, F): inside (bands, F, F) whether it is of a band, and waves
    (bands * 4, F * F): in each band 1, the second harmonics and the even fourth one of its direction."""

    inside: torch.Tensor
    waves: torch.Tensor


@lru_cache(maxsize=1)
def _frequencies() -> _Frequencies:
    down, across = cycles(HIGHEST)
    frequency, angle = torch.hypot(down, across), torch.atan2(down, across)
    inside = torch.stack([(frequency >= low) & (frequency < high) for low, high in BANDS])
    waves = torch.stack([torch.ones_like(angle), (2 * angle).cos(), (2 * angle).sin(), (4 * angle).cos()])
    return _Frequencies(inside, (inside[:, None] * waves).flatten(0, 1).flatten(1))


def _directions(shares: torch.Tensor) -> torch.Tensor:
    """(bands, B, 4) of power shares: how much each band holds, and how that lies along axes and diagonals.

    Turning the tile changes the signs of the first two harmonics of the direction, so their magnitudes stand here.
    """
    held, *waves = (_frequencies().waves @ shares.flatten(1).T).view(len(BANDS), 4, -1).unbind(1)
    even, diagonal, fourth = (wave / (held + _FAINT) for wave in waves)
    return torch.stack([(held + 1e-4).log(), even.abs(), diagonal.abs(), fourth], 2)


@dataclass(frozen=True)
class _Band:
    """Of B tiles the coefficients (B, F, F) of one band; the means (B,) of its square, cube and fourth power, and of
    the product of its square with that of the band below."""

    coefficients: torch.Tensor
    square: torch.Tensor
    cube: torch.Tensor
    fourth: torch.Tensor
    product: torch.Tensor

    @classmethod
    def of(cls, coefficients: torch.Tensor, below: "_Band | None") -> "_Band":
        """On a grid of four times the highest frequency the mean of a fourth power is exact, wherever the tile begins.

        As many tiles at once as a processor's cache holds grids of.
        """
        size = 4 * (coefficients.shape[-1] // 2)
        at_once = max(1, VALUES // size**2)
        lower = below.coefficients.split(at_once) if below else [None] * len(coefficients)
        parts = [_mean_powers(*both, size) for both in zip(coefficients.split(at_once), lower, strict=False)]
        return cls(coefficients, *map(torch.cat, zip(*parts, strict=True)))

    def statistics(self, below: "_Band | None") -> list[torch.Tensor]:
        """(B, 1) each: skewness and log kurtosis, and how the energy goes with that of the band below."""
        sound = self.square > _FAINT
        safe = self.square.clamp(min=_FAINT)
        skewness = torch.where(sound, self.cube / safe.pow(1.5), 0)
        kurtosis = torch.where(sound, self.fourth / safe.square(), 3).clamp(min=1).log()
        values = [skewness.abs().sqrt() * skewness.sign(), kurtosis]
        if below:
            lengths = (self.energy_variance * below.energy_variance).clamp(min=0).sqrt()
            covariance = self.product - self.square * below.square
            values.append(torch.where(lengths > _FAINT**2, covariance / lengths.clamp(min=_FAINT**2), 0))
        return [value[:, None] for value in values]

    @property
    def energy_variance(self) -> torch.Tensor:
        return self.fourth - self.square.square()


def _mean_powers(band: torch.Tensor, below: torch.Tensor | None, size: int) -> list[torch.Tensor]:
    """(B,) each: the means of the square, cube and fourth power of a band, and of its square times that of the band
    below, 0 without one."""
    field = on_grid(band, size).flatten(1)
    square = field.square()
    lower = torch.zeros_like(square) if below is None else on_grid(below, size).flatten(1).square()
    return [square.mean(1), *(_mean_product(square, other) for other in (field, square, lower))]


def _mean_product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """(B,) of (B, N) each."""
    return torch.bmm(a[:, None], b[:, :, None]).flatten() / a.shape[1]


def color_features(images: torch.Tensor) -> torch.Tensor:
    """(B, 8) of (B, 3, H, W): means of the Oklab channels, their log spreads, and how hues follow the lightness."""
    lab = oklab_from_srgb(images.movedim(1, 0).float()).double().flatten(2)  # (3, B, H * W)
    mean = lab.mean(2)
    apart = lab - mean[:, :, None]
    spread = apart.square().mean(2).sqrt()
    following = (apart[1:] * apart[:1]).mean(2) / (spread[1:] * spread[:1] + 1e-4)
    return torch.cat([10 * mean, (spread + 5e-3).log(), following]).T
