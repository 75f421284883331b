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


def highest_peaks(groups: Iterable[torch.Tensor], highest: int) -> list[Peak]:
    """Of each group (K, F, F) of polynomials, F = 2 * highest + 1 coefficients a side, the highest value of any.

    Values are real: coefficients of opposite frequencies are conjugate.
    """
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
    """Where the climb begins: those of a group's polynomials (C, F, F) that are highest on the grid, their numbers (C,)
    and places (C, 2)."""

    numbers: torch.Tensor
    coefficients: torch.Tensor
    places: torch.Tensor

    @classmethod
    def of(cls, group: torch.Tensor, side: int) -> "_Foot":
        values = _values_on_grid(group, side).flatten(1)
        best = values.amax(1).topk(min(_CANDIDATES, len(values))).indices
        places = values[best].argmax(1)
        return cls(best, group[best], torch.stack([places // side, places % side], 1).double() / side)

    def peak(self, heights: torch.Tensor, places: torch.Tensor) -> Peak:
        best = int(heights.argmax())
        down, across = places[best].remainder(1).tolist()
        return int(self.numbers[best]), float(heights[best]), (down, across)


def _values_on_grid(group: torch.Tensor, side: int) -> torch.Tensor:
    """(K, side, side) values; half of (K, F, F) says all. So few frequencies are summed faster than transformed."""
    highest = group.shape[-1] // 2
    down, across = _waves(highest, side)
    rows = down @ group[:, :, highest:].to(torch.complex64)
    return torch.cat([rows.real, rows.imag], -1) @ across


@lru_cache(maxsize=2)
def _waves(highest: int, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(side, F) complex waves down, and those across, (2 * (highest + 1), side), by which real and imaginary parts of
    the frequencies from 0 on are multiplied."""
    places, frequencies = torch.arange(side), torch.arange(-highest, highest + 1)
    down = torch.exp(2j * math.pi / side * (places[:, None] * frequencies % side).double())
    across = down[:, highest:] * torch.where(frequencies[highest:] > 0, 2, 1)
    return down.to(torch.complex64), torch.cat([across.real, -across.imag], 1).T.float().contiguous()


def _climb(polynomials: torch.Tensor, places: torch.Tensor, stride: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The peaks (K,) of polynomials (K, F, F) near places (K, 2), and where they are, by strides of at most so much.

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


@dataclass(frozen=True)
class _Slope:
    """Values (K,) of K polynomials at a place of each, gradients (K, 2), and second derivatives down, mixed, across."""

    height: torch.Tensor
    gradient: torch.Tensor
    bend: torch.Tensor  # (K, 3)

    @classmethod
    def at(cls, polynomials: torch.Tensor, places: torch.Tensor) -> "_Slope":
        highest = polynomials.shape[-1] // 2
        frequency = 2 * torch.pi * torch.arange(-highest, highest + 1, dtype=torch.float64)
        waves = torch.exp(1j * places[:, :, None] * frequency)  # (K, 2, F)
        factors = torch.stack([torch.ones_like(waves[0, 0]), 1j * frequency, -frequency.square()])
        down, across = (waves[:, axis, None] * factors for axis in (0, 1))  # (K, 3, F)
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
