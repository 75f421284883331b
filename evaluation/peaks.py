"""The highest value of each of many periodic functions of two variables, and where it is.

The functions are trigonometric polynomials, such as the correlation of two tiles at every shift. They are looked up at
the places of a coarse grid; what may be highest by these values is looked up on a finer one, and from the best places
of that Newton's method climbs to the peak, far below a pixel.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, islice

import torch

from .polynomials import ROUGH, Polynomials

_COARSE, _FINE = 2, 4  # places of a grid to a cycle of the highest frequency
_CANDIDATES = 6
_AT_ONCE = 64  # groups: their candidates stay in memory until all are climbed
_IN_CACHE = 2**18  # values of grids that are looked up at once, so that they stay in a processor's cache
_STEPS = 30  # of Newton's method at most
_CLOSE_ENOUGH, _ROUNDING = 1e-10, 1e-13  # of a value: the last step's gain, and what sums may lose

Peak = tuple[int, float, tuple[float, float]]
"""(number of the polynomial, its value there, place (down, across) in shares of the period)"""


def highest_peaks(groups: Iterable[Polynomials], highest: int) -> list[Peak]:
    """Of each group of polynomials, of at most `highest` cycles, the highest value of any."""
    return [peak for some in _batches(groups) for peak in _highest_peaks(some, highest)]


def any_above(groups: Iterable[Polynomials], highest: int, limit: float) -> list[bool]:
    """Whether any polynomial of each group, of at most `highest` cycles, has a value above `limit`.

    Of most groups the coarse grid tells.
    """
    above: list[bool] = []
    for some in _batches(groups):
        side, bounds = _COARSE * highest, []
        for group, heights in _looked_up(some, side):
            bounds.append((float(heights.max()) - ROUGH, float((heights + group.rises(side)).max())))
        unsure = [group for group, (least, most) in zip(some, bounds, strict=True) if least <= limit < most]
        peaks = iter(_highest_peaks(unsure, highest))
        above += [next(peaks)[1] > limit if least <= limit < most else least > limit for least, most in bounds]
    return above


def _batches(groups: Iterable[Polynomials]) -> Iterator[list[Polynomials]]:
    waiting = iter(groups)
    while some := list(islice(waiting, _AT_ONCE)):
        yield some


def _highest_peaks(groups: Sequence[Polynomials], highest: int) -> list[Peak]:
    if not groups:
        return []
    numbers, side = _promising(groups, _COARSE * highest), _FINE * highest
    left = [group[some] for group, some in zip(groups, numbers, strict=True)]
    best = [some[:_CANDIDATES] for some in _promising(left, side)]
    candidates = [group[some] for group, some in zip(left, best, strict=True)]
    starts = torch.cat([_places(part, side) for part in _split(candidates, side)])
    climbed = _climb(torch.cat([group.products() for group in candidates]), starts.double() / side, 0.5 / side)
    heights, places = (values.split([len(group) for group in candidates]) for values in climbed)
    return [_peak(number[some], *found) for number, some, *found in zip(numbers, best, heights, places, strict=True)]


def _promising(groups: Sequence[Polynomials], side: int) -> list[torch.Tensor]:
    """Of each group the numbers of its polynomials that may have its highest value, by what they are at the places of a
    grid; the highest of them first."""
    numbers = []
    for group, heights in _looked_up(groups, side):
        order = heights.argsort(descending=True)
        numbers.append(order[(heights + group.rises(side) >= heights.max())[order]])
    return numbers


def _peak(numbers: torch.Tensor, heights: torch.Tensor, places: torch.Tensor) -> Peak:
    """The highest of a group's candidates (C,), which reached heights (C,) at places (C, 2)."""
    best = int(heights.argmax())
    down, across = places[best].remainder(1).tolist()
    return int(numbers[best]), float(heights[best]), (down, across)


def _looked_up(groups: Sequence[Polynomials], side: int) -> Iterator[tuple[Polynomials, torch.Tensor]]:
    """Each group with the highest values (K,) of its polynomials at the places of a grid."""
    heights = torch.cat([_highest(part, side) for part in _split(groups, side)])
    return zip(groups, heights.split([len(group) for group in groups]), strict=True)


def _split(groups: Sequence[Polynomials], side: int) -> Iterator[torch.Tensor]:
    """The rough products (2, K, H, 2 * H) of all groups, of as many polynomials at once as have their grids in the
    cache; small groups are taken together."""
    most, first = max(1, _IN_CACHE // side**2), 0
    while first < len(groups):
        fitting = sum(size <= most for size in accumulate(map(len, groups[first:])))
        together = groups[first : first + max(1, fitting)]
        yield from torch.cat([group.rough_products() for group in together], 1).split(most, 1)
        first += len(together)


def _highest(products: torch.Tensor, side: int) -> torch.Tensor:
    """(K,): the highest value of each of (2, K, H, 2 * H) at the places of a grid."""
    above, below, beside_above, beside_below = _quarters(products, side)
    above += beside_above.abs_()
    below += beside_below.abs_()
    return torch.maximum(above.flatten(1).amax(1), below.flatten(1).amax(1))


def _places(products: torch.Tensor, side: int) -> torch.Tensor:
    """(K, 2): where each of (2, K, H, 2 * H) is highest on a grid, from minus half the side to half of it."""
    above, below, beside_above, beside_below = _quarters(products, side)
    values = [above - beside_above, above + beside_above, below - beside_below, below + beside_below]
    signs = torch.tensor([(1, 1), (1, -1), (-1, 1), (-1, -1)])
    found, size = torch.stack(values, 1).flatten(1).argmax(1), above.shape[-1]
    quarter, place = found // size**2, found % size**2
    return signs[quarter] * torch.stack([place // size, place % size], 1)


def _quarters(products: torch.Tensor, side: int) -> tuple[torch.Tensor, ...]:
    """Values of (2, K, H, 2 * H) at the places of a grid, in four parts (K, Q, Q) each.

    Those at (y, +-x), of the places from 0 to half the side, are the first -+ the third part, and those at (-y, +-x)
    the second -+ the fourth. So few frequencies are summed faster than transformed, and a grid's two halves are sums of
    the same cosines and sines.
    """
    _, count, half, _ = products.shape
    cosines, sines, right, turned = _waves(half - 1, side)
    even, odd = cosines @ (products[0] + products[1]), sines @ (products[0] - products[1])
    (real, imaginary), (odd_real, odd_imaginary) = even.split(half, -1), odd.split(half, -1)
    rows = [
        (real - odd_imaginary, right),
        (real + odd_imaginary, right),
        (imaginary + odd_real, turned),
        (imaginary - odd_real, turned),
    ]
    return tuple((values.flatten(0, 1) @ waves).view(count, len(cosines), -1) for values, waves in rows)


@lru_cache(maxsize=4)
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
