"""The highest value of each of many periodic functions of two variables, and where it is.

The functions are trigonometric polynomials, such as the correlation of two tiles at every shift. They are looked up at
the places of a grid, and from the best of these Newton's method climbs to the peak, far below a pixel.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, islice

import torch

_OVERSAMPLED = 4  # places of the grid to a cycle of the highest frequency
_CANDIDATES = 6
_AT_ONCE = 64  # groups: their candidates stay in memory until all are climbed
_IN_CACHE = 32  # polynomials that are looked up at once: their grids stay in a processor's cache
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
    rough: torch.Tensor
    factor: torch.Tensor

    @classmethod
    def of(cls, coefficients: torch.Tensor) -> "Polynomials":
        """Of all coefficients (K, F, F)."""
        half = coefficients[..., coefficients.shape[-1] // 2 :].contiguous()
        return cls(half, half.to(torch.complex64), torch.ones_like(half[:1]))

    def __len__(self) -> int:
        return len(self.half)

    def times(self, coefficients: torch.Tensor) -> "Polynomials":
        """These with each of their coefficients multiplied by one of (F, F)."""
        return Polynomials(self.half, self.rough, coefficients[None, :, coefficients.shape[-1] // 2 :])

    def __getitem__(self, numbers: torch.Tensor | slice) -> "Polynomials":
        return Polynomials(self.half[numbers], self.rough[numbers], self.factor)

    def products(self, numbers: torch.Tensor) -> torch.Tensor:
        """(C, F, H) coefficients of those of C numbers."""
        return self.half[numbers] * self.factor

    def rough_products(self) -> torch.Tensor:
        """(K, F, H) in single precision."""
        return self.rough * self.factor.to(torch.complex64)


def highest_peaks(groups: Iterable[Polynomials], highest: int) -> list[Peak]:
    """Of each group of polynomials, of at most `highest` cycles, the highest value of any."""
    waiting, side = iter(groups), _OVERSAMPLED * highest
    peaks: list[Peak] = []
    while some := list(islice(waiting, _AT_ONCE)):
        best = [heights.topk(min(_CANDIDATES, len(heights))).indices for heights in _heights(some, side)]
        candidates = torch.cat([group.products(numbers) for group, numbers in zip(some, best, strict=True)])
        starts = torch.cat([_places(part, side) for part in candidates.to(torch.complex64).split(_IN_CACHE)])
        climbed = _climb(candidates, starts.double() / side, 0.5 / side)
        heights, places = (values.split([len(numbers) for numbers in best]) for values in climbed)
        peaks += map(_peak, best, heights, places)
    return peaks


def _peak(numbers: torch.Tensor, heights: torch.Tensor, places: torch.Tensor) -> Peak:
    """The highest of a group's candidates (C,), which reached heights (C,) at places (C, 2)."""
    best = int(heights.argmax())
    down, across = places[best].remainder(1).tolist()
    return int(numbers[best]), float(heights[best]), (down, across)


def _heights(groups: Sequence[Polynomials], side: int) -> list[torch.Tensor]:
    """(K,) of each group: the highest values of its polynomials at the places of a grid. Small groups are looked up
    together."""
    heights: list[torch.Tensor] = []
    while len(heights) < len(groups):
        sizes = list(accumulate(map(len, groups[len(heights) :])))
        together = groups[len(heights) :][: max(1, sum(size <= _IN_CACHE for size in sizes))]
        products = torch.cat([group.rough_products() for group in together])
        highest = torch.cat([_highest(part, side) for part in products.split(_IN_CACHE)])
        heights += highest.split([len(group) for group in together])
    return heights


def _highest(products: torch.Tensor, side: int) -> torch.Tensor:
    """(K,): the highest value of each of (K, F, H) at the places of a grid."""
    above, below, beside_above, beside_below = _quarters(products, side)
    above += beside_above.abs_()
    below += beside_below.abs_()
    return torch.maximum(above.flatten(1).amax(1), below.flatten(1).amax(1))


def _places(products: torch.Tensor, side: int) -> torch.Tensor:
    """(K, 2): where each of (K, F, H) is highest on a grid, from minus half the side to half of it."""
    above, below, beside_above, beside_below = _quarters(products, side)
    values = [above - beside_above, above + beside_above, below - beside_below, below + beside_below]
    signs = torch.tensor([(1, 1), (1, -1), (-1, 1), (-1, -1)])
    found, size = torch.stack(values, 1).flatten(1).argmax(1), above.shape[-1]
    quarter, place = found // size**2, found % size**2
    return signs[quarter] * torch.stack([place // size, place % size], 1)


def _quarters(products: torch.Tensor, side: int) -> tuple[torch.Tensor, ...]:
    """Values of (K, F, H) at the places of a grid, in four parts (K, Q, Q) each.

    Those at (y, +-x), of the places from 0 to half the side, are the first -+ the third part, and those at (-y, +-x)
    the second -+ the fourth. So few frequencies are summed faster than transformed, and a grid's two halves are sums of
    the same cosines and sines.
    """
    count, _, half = products.shape
    cosines, sines, right, turned = _waves(half - 1, side)
    upper, lower = products[:, half - 1 :], products[:, :half].flip(1)
    sums, differences = upper + lower, upper - lower
    sums[:, 0] = upper[:, 0]
    even, odd = (
        (waves @ torch.view_as_real(values).flatten(2)).unflatten(2, (half, 2))
        for waves, values in ((cosines, sums), (sines, differences))
    )
    real, imaginary = 0, 1
    rows = [
        (even[..., real] - odd[..., imaginary], right),
        (even[..., real] + odd[..., imaginary], right),
        (even[..., imaginary] + odd[..., real], turned),
        (even[..., imaginary] - odd[..., real], turned),
    ]
    return tuple((values.flatten(0, 1) @ waves).view(count, len(cosines), -1) for values, waves in rows)


@lru_cache(maxsize=2)
def _waves(highest: int, side: int) -> tuple[torch.Tensor, ...]:
    """Cosines and sines (Q, H) of the frequencies from 0 on, at the places from 0 to half the side; and both (H, Q) as
    they are summed across, where those above 0 stand for their conjugates too."""
    places, frequencies = torch.arange(side // 2 + 1), torch.arange(highest + 1)
    phases = 2 * math.pi / side * (places[:, None] * frequencies % side).double()
    cosines, sines = phases.cos().float(), phases.sin().float()
    doubled = torch.where(frequencies > 0, 2.0, 1.0)[:, None]
    return cosines, sines, cosines.T * doubled, sines.T * doubled


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
