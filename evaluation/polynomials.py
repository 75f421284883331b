"""Trigonometric polynomials of two variables, many at once: exact, and in single precision for the values on a grid."""

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import torch

ROUGH = 1e-5  # of a value in single precision


@dataclass(frozen=True)
class _Factor:
    """What all coefficients of some polynomials are multiplied with: exact (F, H), in parts as `_in_parts` lays them
    with the real (2, 1, H, 2 * H) and the imaginary values in both halves, and what it weighs in second derivatives."""

    exact: torch.Tensor
    real: torch.Tensor
    imaginary: torch.Tensor
    bends: torch.Tensor  # (F * H, 2)

    @classmethod
    def of(cls, half: torch.Tensor) -> "_Factor":
        real, imaginary = _in_parts(half[None].to(torch.complex64)).chunk(2, -1)
        bends = half.abs().float().flatten()[:, None] * _bends(half.shape[-1] - 1)
        return cls(half, torch.cat([real, real], -1), torch.cat([imaginary, imaginary], -1), bends)


@dataclass(frozen=True)
class Polynomials:
    """K polynomials with real values: their coefficients (K, F, H) from frequency 0 across on, F = 2 * H - 1, each to
    be multiplied with one of the factor.

    Those below 0 are the conjugate ones of the opposite frequency. For the grids there are, in single precision, the
    coefficients as `_in_parts` lays them, the same times i, and their magnitudes (K, F * H).
    """

    half: torch.Tensor
    rough: torch.Tensor
    rough_turned: torch.Tensor
    sizes: torch.Tensor
    factor: _Factor

    @classmethod
    def of(cls, coefficients: torch.Tensor) -> "Polynomials":
        """Of all coefficients (K, F, F)."""
        half = coefficients[..., coefficients.shape[-1] // 2 :].resolve_conj().contiguous()
        single = half.to(torch.complex64)
        parts = _in_parts(single), _in_parts(1j * single)
        one = torch.ones(half.shape[1:], dtype=half.dtype)
        return cls(half, *parts, single.abs().flatten(1), _Factor.of(one))

    def __len__(self) -> int:
        return len(self.half)

    def times(self, coefficients: torch.Tensor) -> "Polynomials":
        """These with each of their coefficients multiplied by one of (F, F)."""
        return replace(self, factor=_Factor.of(coefficients[:, coefficients.shape[-1] // 2 :]))

    def __getitem__(self, numbers: torch.Tensor | slice) -> "Polynomials":
        parts = self.rough[:, numbers], self.rough_turned[:, numbers]
        return Polynomials(self.half[numbers], *parts, self.sizes[numbers], self.factor)

    def products(self) -> torch.Tensor:
        """(K, F, H) coefficients."""
        return self.half * self.factor.exact

    def rough_products(self) -> torch.Tensor:
        """(2, K, H, 2 * H), as `_in_parts` lays them."""
        return torch.addcmul(self.rough * self.factor.real, self.rough_turned, self.factor.imaginary)

    def rises(self, side: int) -> torch.Tensor:
        """(K,): by how much the highest value of each exceeds those at the places of a grid at most.

        No place is farther from one of the grid than half a step in each direction. At the peak the slope is 0, and
        over such a way the second derivative is no more than all waves together have.
        """
        straight, mixed = (self.sizes @ self.factor.bends).unbind(1)
        return (math.pi / side) ** 2 / 2 * (straight + mixed.abs()) + ROUGH


def _in_parts(half: torch.Tensor) -> torch.Tensor:
    """(2, K, H, 2 * H) of coefficients (K, F, H): those of the frequencies from 0 down, and those of the opposite ones,
    but for 0; in each the real parts, and beside them the imaginary ones."""
    count = half.shape[-1]
    both = torch.stack([half[:, count - 1 :], half[:, :count].flip(1)])
    both[1, :, 0] = 0
    return torch.cat([both.real, both.imag], -1)


@lru_cache(maxsize=2)
def _bends(highest: int) -> torch.Tensor:
    """(F * H, 2): what waves of each frequency (u, v) weigh in second derivatives, u^2 + v^2 and 2 * u * v; those with
    v above 0 stand for their conjugates too."""
    down, across = torch.arange(-highest, highest + 1)[:, None], torch.arange(highest + 1)[None]
    doubled = torch.where(across > 0, 2.0, 1.0)
    return torch.stack([(down**2 + across**2) * doubled, 2 * down * across * doubled], -1).flatten(0, 1)
