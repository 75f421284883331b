"""Small tiles that tests of the evaluation are shown: every one tiles, and each material looks like nothing else."""

import torch


def noise_tile(size, seed, slope=1.0, tint=(0.5, 0.5, 0.5), stretch=1.0, contrast=0.15):
    """(3, size, size): noise whose power falls with frequency, brighter and darker around a tint.

    Made in the frequencies below 48 cycles a tile, so the same seed gives the same tile at every size.
    """
    generator = torch.Generator().manual_seed(seed)
    highest = min(48, size // 2 - 1)
    whole = torch.complex(*torch.randn(2, 97, 97, generator=generator, dtype=torch.float64))
    kept = whole[48 - highest : 49 + highest, 48 - highest : 49 + highest]
    line = torch.arange(-highest, highest + 1, dtype=torch.float64)
    frequency = torch.hypot(line[:, None] * stretch, line[None]).clamp(min=1)
    amplitude = frequency**-slope
    amplitude[highest, highest] = 0
    grid = torch.zeros(size, size, dtype=torch.complex128)
    places = line.long() % size
    grid[places[:, None], places] = kept * amplitude
    field = torch.fft.ifft2(grid, norm="forward").real
    field = field / field.std() * contrast
    return (torch.tensor(tint, dtype=torch.float64)[:, None, None] + field).clamp(0, 1).float()


MATERIALS = [
    {"slope": 1.0, "tint": (0.6, 0.4, 0.3)},
    {"slope": 2.0, "tint": (0.3, 0.5, 0.4)},
    {"slope": 1.3, "tint": (0.4, 0.4, 0.6), "stretch": 6.0},
    {"slope": 0.6, "tint": (0.7, 0.7, 0.6), "contrast": 0.08},
]


def render(material, seed, size=64):
    return noise_tile(size, 1000 * material + seed, **MATERIALS[material])
