"""Textures whose seams one can count by hand, or that tile by construction."""

import torch


def ramp(size=32):
    """0, 1, 2, ... size - 1 along x: every step inside is 1, the wrap line steps down by size - 1."""
    return torch.arange(size, dtype=torch.float32).expand(1, 1, size, size)


def one_over_f(size=256):
    """A noise with a 1/f spectrum, made in the frequency domain: it tiles by construction."""
    frequency = torch.fft.fftfreq(size).square()[:, None] + torch.fft.fftfreq(size).square()[None]
    amplitude = frequency.clamp(min=1 / size**2).rsqrt()
    amplitude[0, 0] = 0
    spectrum = torch.fft.fft2(torch.randn(3, size, size, generator=torch.Generator().manual_seed(0)))
    image = torch.fft.ifft2(spectrum * amplitude).real[None]
    return (image - image.min()) / (image.max() - image.min())


def bricks(size=256, brick=64, course=32, joint=4):
    """A wall in running bond whose joints lie at the edges of the image: it tiles."""
    row, column = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    shifted = column + (row // course % 2) * (brick // 2)
    is_brick = (row % course >= joint) & (shifted % brick >= joint)
    shade = torch.rand(size // course, size // brick, generator=torch.Generator().manual_seed(1)) * 0.1 + 0.5
    face = shade[row // course, shifted % size // brick]
    return torch.where(is_brick, face, 0.2).expand(1, 3, size, size)


def cells(size=256, count=70, seed=0):
    """Stones of a colour each with dark joints and a grain, on a torus: (1, 3, size, size)."""
    generator = torch.Generator().manual_seed(seed)
    sites, colors = torch.rand(count, 2, generator=generator) * size, torch.rand(count, 3, generator=generator)
    place = torch.arange(size) + 0.5
    apart = [(place.view(-1, 1) - sites[:, axis] + size / 2) % size - size / 2 for axis in (0, 1)]
    distance = (apart[0].square()[:, None] + apart[1].square()[None]).sqrt().sort(-1)
    joint = ((distance.values[..., 1] - distance.values[..., 0]) / 4).clamp(0, 1)
    grain = 0.1 * torch.randn(size, size, generator=generator)
    stones = colors[distance.indices[..., 0]].movedim(-1, 0)
    return ((stones * joint + grain).clamp(0, 1))[None]


def with_band(image, band, width, feather=6):
    """`image` (1, C, H, W) with `band` in its place within width / 2 pixels of the left and right edge."""
    place = torch.arange(image.shape[-1]) + 0.5
    distance = torch.minimum(place, image.shape[-1] - place)
    return torch.lerp(image, band, ((width / 2 + feather / 2 - distance) / feather).clamp(0, 1))


def blurred(image, sigma):
    """(B, C, H, W) convolved with a Gaussian, around the edges."""
    rows, columns = (torch.fft.fftfreq(size) for size in image.shape[-2:])
    transfer = torch.exp(-2 * (torch.pi * sigma) ** 2 * (rows.square()[:, None] + columns.square()))
    return torch.fft.ifft2(torch.fft.fft2(image) * transfer).real
