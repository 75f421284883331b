"""Whether a picture is one of the training renders, rolled, turned or mirrored: how high their correlation peaks.

Grey and without their means, both are compared at every shift and in all eight positions of the square, by the Fourier
transform, at the lowest frequencies. What counts as a copy is not a fixed number: it is calibrated on renders that were
held out, for regular patterns resemble each other whoever made them.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev

import torch

from .spectrum import lowest_frequencies

HIGHEST = 24  # cycles a tile: which details decide
_COARSE = 96  # places a side at which the correlation is looked up before the peak is climbed
_CANDIDATES = 6
_STEPS = 30  # of Newton's method at most
_CLOSE_ENOUGH, _ROUNDING = 1e-10, 1e-13  # of a correlation: the last step's gain, and what sums may lose
LEAST = (
    0.4  # correlation of a copy: below it nobody sees one, and pictures coarser than the renders get there by chance
)
LEAST_DEVIATION = 0.02  # of innocent correlations: two that are equal by chance know nothing of their spread
SAME_PICTURE = 0.95  # training renders that are the same picture say nothing about how like different ones are


def turns(planes: torch.Tensor) -> torch.Tensor:
    """(..., 8, N, N): all positions of the square that (..., N, N) can lie in."""
    mirrored = planes.flip(-1)
    return torch.stack([view.rot90(k, (-2, -1)) for view in (planes, mirrored) for k in range(4)], -3)


def fingerprints(images: torch.Tensor) -> torch.Tensor:
    """Spectra (B, F, F) of the brightness of (B, 3, H, W), of unit length; zero for an image without contrast."""
    spectra = lowest_frequencies(images.double().mean(1), HIGHEST)
    spectra[:, HIGHEST, HIGHEST] = 0
    length = spectra.abs().square().sum((1, 2), keepdim=True).sqrt()
    return torch.where(length > 1e-4, spectra / length.clamp(min=1e-12), 0)


@dataclass(frozen=True)
class Match:
    """The render most like a picture: its number, the correlation at the best shift (-1..1), and how it lies there.

    The render, mirrored if position is 4 or more, turned by position % 4 quarters and rolled by shift (rows, columns,
    in shares of the side), lies on the picture.
    """

    render: int
    correlation: float
    position: int
    shift: tuple[float, float]


def nearest(spectrum: torch.Tensor, renders: torch.Tensor) -> Match:
    """Of renders' fingerprints (N, F, F) the one most like a picture's (F, F)."""
    products = (spectrum * turns(renders).conj()).flatten(0, 1)  # (N * 8, F, F)
    heights, places = _correlations(products).flatten(1).max(1)
    lying = heights.topk(min(_CANDIDATES, len(heights))).indices
    start = torch.stack([places[lying] // _COARSE, places[lying] % _COARSE], 1).double() / _COARSE
    heights, shifts = _climb(products[lying], start)
    best = int(heights.argmax())
    down, across = shifts[best].remainder(1).tolist()
    return Match(int(lying[best]) // 8, float(heights[best]), int(lying[best]) % 8, (down, across))


def _correlations(products: torch.Tensor) -> torch.Tensor:
    """(N, C, C) correlations at all shifts of a coarse grid; half of (N, F, F) says all, for images are real."""
    rows = torch.arange(-HIGHEST, HIGHEST + 1) % _COARSE
    grid = torch.zeros(len(products), _COARSE, _COARSE // 2 + 1, dtype=torch.complex64)
    grid[:, rows, : HIGHEST + 1] = products[:, :, HIGHEST:].to(torch.complex64)
    return torch.fft.irfft2(grid, s=(_COARSE, _COARSE), norm="forward")


def _climb(products: torch.Tensor, places: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The peaks (K,) near places (K, 2) of the trigonometric polynomials of (K, F, F), and where they are.

    Newton's steps, damped wherever one would not lead uphill; they end far below a pixel.
    """
    damping = torch.zeros(len(places), dtype=torch.float64)
    here = _Slope.at(products, places)
    for _ in range(_STEPS):
        step = here.uphill(damping).clamp(-0.5 / _COARSE, 0.5 / _COARSE)
        there = _Slope.at(products, places + step)
        better = there.height >= here.height - _ROUNDING
        gained = (there.height - here.height).where(better, torch.tensor(0.0, dtype=torch.float64))
        damping = torch.where(better, damping / 4, (4 * damping).clamp(min=here.curvature() / 4))
        places = torch.where(better[:, None], places + step, places)
        here = here.replaced(better, there)
        if better.all() and gained.max() < _CLOSE_ENOUGH:
            break
    return here.height, places


@dataclass(frozen=True)
class _Slope:
    """Values (K,) of K polynomials at a place of each, gradients (K, 2), and second derivatives down, mixed, across."""

    height: torch.Tensor
    gradient: torch.Tensor
    bend: torch.Tensor  # (K, 3)

    @classmethod
    def at(cls, products: torch.Tensor, places: torch.Tensor) -> "_Slope":
        frequency = 2 * torch.pi * torch.arange(-HIGHEST, HIGHEST + 1, dtype=torch.float64)
        waves = torch.exp(1j * places[:, :, None] * frequency)  # (K, 2, F)
        factors = torch.stack([torch.ones_like(waves[0, 0]), 1j * frequency, -frequency.square()])
        down, across = (waves[:, axis, None] * factors for axis in (0, 1))  # (K, 3, F)
        table = (down @ products @ across.mT).real
        gradient = torch.stack([table[:, 1, 0], table[:, 0, 1]], 1)
        return cls(table[:, 0, 0], gradient, torch.stack([table[:, 2, 0], table[:, 1, 1], table[:, 0, 2]], 1))

    def curvature(self) -> torch.Tensor:
        return self.bend.abs().amax(1)

    def uphill(self, damping: torch.Tensor) -> torch.Tensor:
        """(K, 2): Newton's step, its matrix moved down until it is that of a hilltop."""
        down, mixed, across = self.bend.unbind(1)
        highest = (down + across) / 2 + torch.hypot((down - across) / 2, mixed)
        lowered = 2 * (highest.clamp(min=0) + damping) + 1e-12
        down, across = down - lowered, across - lowered
        determinant = (down * across - mixed.square()).clamp(min=1e-300)
        g, h = self.gradient.unbind(1)
        return torch.stack([mixed * h - across * g, mixed * g - down * h], 1) / determinant[:, None]

    def replaced(self, where: torch.Tensor, other: "_Slope") -> "_Slope":
        return _Slope(
            torch.where(where, other.height, self.height),
            torch.where(where[:, None], other.gradient, self.gradient),
            torch.where(where[:, None], other.bend, self.bend),
        )


@dataclass(frozen=True)
class Calibration:
    """Above which correlation a picture counts as a copy, and which share of pictures that are none gets there.

    highest: what renders that are no copies reach, in so many `innocent` comparisons; 0 of them where there was nothing
    to compare. tail: by Student's t, the chance that one more of them exceeds the threshold.
    """

    highest: float
    innocent: int
    tail: float = 1.0

    @classmethod
    def of(cls, peaks: Sequence[float]) -> "Calibration":
        """From the correlations of renders that are no copies. Without any, only the same picture is a copy."""
        if not peaks:
            return cls(SAME_PICTURE, 0)
        known = cls(max(peaks), len(peaks))
        return replace(known, tail=_chance_above(known.threshold, peaks))

    @property
    def threshold(self) -> float:
        return max(self.highest, LEAST)

    def __str__(self) -> str:
        rule = f"A picture counts as a copy above a correlation of {self.threshold:.2f}"
        if not self.innocent:
            return f"{rule}: there were no other renders that would tell how like different ones are."
        return f"{rule}; in {self.innocent} comparisons renders that are none reach {self.highest:.2f}."

    @property
    def expected(self) -> float:
        """The share of pictures that would count as copies although the model had learnt no render by heart.

        The highest of n is exceeded by the next with chance 1 / (n + 1), and what lies far above them all more rarely.
        """
        if not self.innocent:
            return 0.0
        return min(1 / (self.innocent + 1), self.tail if self.threshold > self.highest else 1.0)


def _chance_above(limit: float, peaks: Sequence[float]) -> float:
    """That the next of normal numbers exceeds `limit`, their mean and deviation being known from `peaks` alone."""
    from scipy.stats import t

    if len(peaks) < 2:
        return 1.0
    deviation = max(stdev(peaks), LEAST_DEVIATION) * math.sqrt(1 + 1 / len(peaks))
    return float(t.sf((limit - fmean(peaks)) / deviation, len(peaks) - 1))


def calibrate(held_out: Iterable[torch.Tensor], training: torch.Tensor) -> Calibration:
    """From fingerprints (F, F) of held-out renders against (N, F, F) training ones, and these among each other.

    Renders that are the same picture twice do not count. Without anything to compare only the same picture is a copy.
    """
    peaks = [nearest(spectrum, training).correlation for spectrum in held_out]
    if len(training) > 1:
        others = torch.arange(len(training))
        peaks += [nearest(training[n], training[others != n]).correlation for n in range(len(training))]
    return Calibration.of([peak for peak in peaks if peak <= SAME_PICTURE])
