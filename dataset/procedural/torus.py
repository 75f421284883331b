"""The square that wraps: pixel coordinates, seeded noise and resampling that close on themselves.

Everything is laid out in tile coordinates, u to the right and v downwards, 0..1 over one tile, and seeded by name,
so that the same seed is the same material at every resolution.
"""

import math
import zlib
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch

REFERENCE_SIZE = 256  # noise has unit variance in what this many pixels can show


class Torus:
    """A tile of size x size pixels and the random numbers that belong to one seed of one family of materials."""

    def __init__(self, size: int, seed: int, family: str = "") -> None:
        self.size = size
        self._key = [seed, zlib.crc32(family.encode())]
        centres = (torch.arange(size) + 0.5) / size
        self.u = centres.expand(size, size)  # (H, W)
        self.v = centres[:, None].expand(size, size)

    @property
    def pixel(self) -> float:
        """The width of a pixel in tile coordinates."""
        return 1 / self.size

    def moved(self, right: float, down: float) -> tuple[torch.Tensor, torch.Tensor]:
        """(u, v) of the same tile cut out elsewhere: a tile's edges had better run through bricks than joints."""
        return (self.u + right) % 1, (self.v + down) % 1

    def rng(self, name: str) -> np.random.Generator:
        """A stream of random numbers of its own for `name`, independent of the order of the calls."""
        return np.random.default_rng([*self._key, zlib.crc32(name.encode())])

    def table(self, name: str, count: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        """(count,) uniform random numbers, to be looked up by element number."""
        return torch.from_numpy(self.rng(name).uniform(low, high, count)).float()

    def normal_table(self, name: str, count: int) -> torch.Tensor:
        """(count,) standard normal numbers, cut off at 2.5: one freak among hundreds would rule the picture."""
        return torch.from_numpy(self.rng(name).standard_normal(count)).float().clamp(-2.5, 2.5)

    def noise(
        self,
        name: str,
        low: float = 1.0,
        high: float = math.inf,
        slope: float = 1.0,
        stretch: tuple[float, float] = (1.0, 1.0),
    ) -> torch.Tensor:
        """(H, W) noise: a Fourier series with random coefficients, so periodic at any resolution.

        Waves of `low` to `high` periods a tile take part, with amplitudes falling as frequency**-slope. `stretch`
        draws features out by that factor along u and v. Mean 0, variance 1 in expectation.
        """
        order = _shells(self.size)
        coefficients = self.rng(name).standard_normal((len(order.places), 2), dtype=np.float32)
        amplitudes = _amplitudes(self.size, low, high, slope, stretch)
        spectrum = torch.zeros(self.size * (self.size // 2 + 1), dtype=torch.complex64)
        spectrum[order.places] = torch.view_as_complex(torch.from_numpy(coefficients)) * (order.phases * amplitudes)
        return torch.fft.irfft2(spectrum.view(self.size, -1), s=(self.size, self.size), norm="forward")

    def sample(self, image: torch.Tensor, u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """(H, W) `image` at the tile coordinates (u, v), bilinear, wrapped."""
        x, y = u * self.size - 0.5, v * self.size - 0.5
        left, top = x.floor(), y.floor()
        fx, fy = x - left, y - top
        left, top = left.long() % self.size, top.long() % self.size
        right, bottom = (left + 1) % self.size, (top + 1) % self.size
        flat = image.reshape(-1)
        upper = torch.lerp(flat[top * self.size + left], flat[top * self.size + right], fx)
        lower = torch.lerp(flat[bottom * self.size + left], flat[bottom * self.size + right], fx)
        return torch.lerp(upper, lower, fy)

    def pieces(self, image: torch.Tensor, ids: torch.Tensor, name: str, count: int) -> torch.Tensor:
        """`image` cut into pieces: each element of `ids` shows another part, as boards cut from other trees do."""
        shift = torch.from_numpy(self.rng(name).integers(0, 64, (2, count)))
        shift = shift * self.size // 64
        pixels = torch.arange(self.size)
        rows = (pixels[:, None] + shift[0][ids]) % self.size
        columns = (pixels + shift[1][ids]) % self.size
        return image[rows, columns]


def shortest_way(distance: torch.Tensor) -> torch.Tensor:
    """A difference of tile coordinates as its shortest way round the torus, -0.5..0.5."""
    return distance - distance.round()


class _Shells(NamedTuple):
    """The waves of the half spectrum, outwards: their frequencies, their places in it and their phases.

    The phase of half a pixel puts values at pixel centres, the same places at every resolution.
    """

    ku: torch.Tensor
    kv: torch.Tensor
    places: torch.Tensor
    phases: torch.Tensor


@lru_cache(maxsize=8)
def _shells(size: int) -> _Shells:
    """Waves ordered by max(|ku|, |kv|), so that a small image uses the first coefficients of a large one."""
    harmonics = (size - 1) // 2
    grid = np.meshgrid(np.arange(harmonics + 1), np.arange(-harmonics, harmonics + 1))
    across, down = (part.ravel() for part in grid)
    order = np.lexsort((across, down, np.maximum(np.abs(down), across)))
    ku, kv = torch.from_numpy(across[order]), torch.from_numpy(down[order])
    # The transform keeps only the real part of the column ku = 0.
    doubled = torch.where(ku == 0, math.sqrt(2), 1.0)
    phases = torch.polar(doubled, math.pi / size * (ku + kv).float())
    return _Shells(ku.float(), kv.float(), kv % size * (size // 2 + 1) + ku, phases)


def _amplitudes(size: int, low: float, high: float, slope: float, stretch: tuple[float, float]) -> torch.Tensor:
    amplitudes = _weights(size, low, high, slope, stretch)
    known = amplitudes if size == REFERENCE_SIZE else _weights(REFERENCE_SIZE, low, high, slope, stretch)
    half_plane = torch.where(_shells(REFERENCE_SIZE).ku == 0, 0.5, 1.0)
    return amplitudes / (4 * half_plane * known.square()).sum().sqrt()


def _weights(size: int, low: float, high: float, slope: float, stretch: tuple[float, float]) -> torch.Tensor:
    waves = _shells(size)
    frequency = torch.hypot(waves.ku * stretch[0], waves.kv * stretch[1])
    fade_in = (frequency / low - 0.5).clamp(0, 1)  # a band that starts and ends softly does not ring
    fade_out = (2 - frequency / high).clamp(0, 1)
    weights = frequency.clamp(min=1e-6) ** -slope * fade_in * fade_out
    return torch.where(frequency > 0, weights, torch.zeros(()))
