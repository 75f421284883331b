"""The highest value of each of many periodic functions of two variables, and where it is.

The functions are trigonometric polynomials, such as the correlation of two tiles at every shift. They are looked up at
the places of a grid, and from the best of these Newton's method climbs to the peak, far below a pixel.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import torch

_OVERSAMPLED = 4  # places of the grid to a cycle of the highest frequency
_CANDIDATES = 6
_AT_ONCE = 64  # groups: their candidates stay in memory until all are climbed
_STEPS = 30  # of Newton's method at most
_CLOSE_ENOUGH, _ROUNDING = 1e-10, 1e-13  # of a value: the last step's gain, and what sums may lose

Peak = tuple[int, float, tuple[float, float]]
"""(number of the polynomial, its value there, place (down, across) in shares of the period)"""


@dataclass(frozen=True)
class Polynomials:
    """K polynomials with real values: their coefficients (K, F, H) from frequency 0 across on, F = 2 * H - 1.

    Those below 0 are the conjugate ones of the opposite frequency. rough has them in single precision, for the grid.
    """

    half: torch.Tensor
    rough: torch.Tensor  # (K, F, 2, H): real and imaginary parts
    factor: torch.Tensor

    @classmethod
    def of(cls, coefficients: torch.Tensor) -> "Polynomials":
        """Of all coefficients (K, F, F)."""
        half = coefficients[..., coefficients.shape[-1] // 2 :].contiguous()
        rough = torch.stack([half.real, half.imag], 2).float()
        return cls(half, rough, torch.ones_like(half[:1]))

    def times(self, coefficients: torch.Tensor) -> "Polynomials":
        """These with each of their coefficients multiplied by one of (F, F)."""
        return Polynomials(self.half, self.rough, coefficients[None, :, coefficients.shape[-1] // 2 :])

    def __getitem__(self, numbers: torch.Tensor | slice) -> "Polynomials":
        return Polynomials(self.half[numbers], self.rough[numbers], self.factor)

    def products(self, numbers: torch.Tensor) -> torch.Tensor:
        """(C, F, H) coefficients of those of C numbers."""
        return self.half[numbers] * self.factor

    def rough_products(self) -> torch.Tensor:
        """(K, F, 2, H) real and imaginary parts in single precision."""
        real, imaginary = self.factor.real.float(), self.factor.imag.float()
        by_real, by_imaginary = torch.stack([real, imaginary], 2), torch.stack([-imaginary, real], 2)
        return self.rough[:, :, :1] * by_real + self.rough[:, :, 1:] * by_imaginary


def highest_peaks(groups: Iterable[Polynomials], highest: int) -> list[Peak]:
    """Of each group of polynomials, of at most `highest` cycles, the highest value of any."""
    waiting = iter(groups)
    peaks: list[Peak] = []
    while some := list(islice((_Foot.of(group, _OVERSAMPLED * highest) for group in waiting), _AT_ONCE)):
        starts, sizes = torch.cat([foot.places for foot in some]), [len(foot.numbers) for foot in some]
        climbed = _climb(torch.cat([foot.coefficients for foot in some]), starts, 0.5 / (_OVERSAMPLED * highest))
        heights, places = (values.split(sizes) for values in climbed)
        peaks += [foot.peak(*reached) for foot, *reached in zip(some, heights, places, strict=True)]
    return peaks


@dataclass(frozen=True)
class _Foot:
    """Where the climb begins: those of a group's polynomials (C, F, H) that are highest on the grid, their numbers (C,)
    and places (C, 2)."""

    numbers: torch.Tensor
    coefficients: torch.Tensor
    places: torch.Tensor

    @classmethod
    def of(cls, group: Polynomials, side: int) -> "_Foot":
        quarters = _quarters(group.rough_products(), side)
        best = quarters.highest().topk(min(_CANDIDATES, len(group.half))).indices
        return cls(best, group.products(best), quarters.places(best).double() / side)

    def peak(self, heights: torch.Tensor, places: torch.Tensor) -> Peak:
        best = int(heights.argmax())
        down, across = places[best].remainder(1).tolist()
        return int(self.numbers[best]), float(heights[best]), (down, across)


@dataclass(frozen=True)
class _Quarters:
    """Values of K polynomials at the places of a grid, in four parts (K, Q, Q) each.

    At (+-y, +-x), of the places from 0 to half the side, they are even -+ down -+ across, and both for opposite signs.
    So few frequencies are summed faster than transformed, and a grid's two halves are sums of the same cosines and
    sines.
    """

    even: torch.Tensor
    down: torch.Tensor
    across: torch.Tensor
    both: torch.Tensor

    def highest(self) -> torch.Tensor:
        """(K,) of the whole grid."""
        below = (self.even - self.down).add_((self.across + self.both).abs_())
        above = (self.even + self.down).add_((self.across - self.both).abs_())
        return torch.maximum(below, above).flatten(1).amax(1)

    def places(self, numbers: torch.Tensor) -> torch.Tensor:
        """(C, 2): where the highest value of those of C numbers is, from minus half the side to half of it."""
        even, down, across, both = (part[numbers] for part in (self.even, self.down, self.across, self.both))
        signs = [(y, x) for y in (1, -1) for x in (1, -1)]
        values = torch.stack([even - y * down - x * across - y * x * both for y, x in signs], 1)
        found, size = values.flatten(1).argmax(1), values.shape[-1]
        quarter, place = found // size**2, found % size**2
        return torch.tensor(signs)[quarter] * torch.stack([place // size, place % size], 1)


def _quarters(parts: torch.Tensor, side: int) -> _Quarters:
    """Of coefficients (K, F, 2, H) in real and imaginary parts."""
    count, _, _, half = parts.shape
    cosines, sines = _waves(half - 1, side)
    above, below = parts[:, half - 1 :], parts[:, :half].flip(1)
    sums, differences = above + below, above - below
    sums[:, 0] = above[:, 0]
    even, odd = (waves @ values.flatten(2) for waves, values in ((cosines, sums), (sines, differences)))
    doubled = torch.where(torch.arange(half) > 0, 2.0, 1.0)[:, None]
    right, turned = cosines.T * doubled, sines.T * doubled

    def across(values: torch.Tensor, waves: torch.Tensor) -> torch.Tensor:
        return (values.flatten(0, 1) @ waves).view(count, len(cosines), -1)

    real, imaginary = slice(half), slice(half, None)
    return _Quarters(
        across(even[..., real], right),
        across(odd[..., imaginary], right),
        across(even[..., imaginary], turned),
        across(odd[..., real], turned),
    )


@lru_cache(maxsize=2)
def _waves(highest: int, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines (Q, H) of the frequencies from 0 on, at the places from 0 to half the side."""
    places, frequencies = torch.arange(side // 2 + 1), torch.arange(highest + 1)
    phases = 2 * math.pi / side * (places[:, None] * frequencies % side).double()
    return phases.cos().float(), phases.sin().float()


def _climb(polynomials: torch.Tensor, places: torch.Tensor, stride: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The peaks (K,) of polynomials (K, F, H) near places (K, 2), and where they are, by strides of at most so much.

    Newton's steps, damped wherever one would not lead uphill.
    """
    damping = torch.zeros(len(places), dtype=torch.float64)
    here = _Slope.at(polynomials, places)
    for _ in range(_STEPS):
        step = here.uphill(damping).clamp(-stride, stride)
        there = _Slope.at(polynomials, places + step)
        better = there.height >= here.height - _ROUNDING
        gained = (there.height - here.height).where(better, torch.tensor(0.0, dtype=torch.float64))
        damping = torch.where(better, damping / 4, (4 * damping).clamp(min=here.curvature() / 4))
        places = torch.where(better[:, None], places + step, places)
        here = here.replaced(better, there)
        if better.all() and gained.max() < _CLOSE_ENOUGH:
            break
    return here.height, places


@lru_cache(maxsize=2)
def _derivatives(highest: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Frequencies (F,), and by what (3, F) they are multiplied in the value and its first two derivatives."""
    frequency = 2 * torch.pi * torch.arange(-highest, highest + 1, dtype=torch.float64)
    return frequency, torch.stack([torch.ones_like(frequency), 1j * frequency, -frequency.square()])


@dataclass(frozen=True)
class _Slope:
    """Values (K,) of K polynomials at a place of each, gradients (K, 2), and second derivatives down, mixed, across."""

    height: torch.Tensor
    gradient: torch.Tensor
    bend: torch.Tensor  # (K, 3)

    @classmethod
    def at(cls, polynomials: torch.Tensor, places: torch.Tensor) -> "_Slope":
        highest = polynomials.shape[-1] - 1
        frequency, factors = _derivatives(highest)
        waves = torch.exp(1j * places[:, :, None] * frequency)  # (K, 2, F)
        down, across = (waves[:, axis, None] * factors for axis in (0, 1))  # (K, 3, F)
        across = across[..., highest:] * torch.where(frequency[highest:] > 0, 2, 1)
        table = (down @ polynomials @ across.mT).real
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
