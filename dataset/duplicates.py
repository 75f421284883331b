"""Finding images that show the same texture: rolled, turned, mirrored, resized or saved again.

Rolling a texture changes only the phases of its spectrum, turning and mirroring it turn and mirror the spectrum.
So the magnitudes of the lowest frequencies find candidates, and the height of their correlation peak decides.
"""

from collections.abc import Callable

import torch

FREQUENCIES = 24  # each way: details down to 1/24 of the width decide
SAME_SPECTRUM = 0.995  # cosine of the magnitudes; two renders of one regular pattern reach 0.98
SAME_PICTURE = 0.95  # correlation at the best shift
SAME_COLOR = 0.02  # difference of the mean colour; two bakes of the same colour differ by less
SAME_CONTRAST = 0.1  # relative difference of the contrast of each channel
ROWS_AT_ONCE = 256
_PEAK_GRID = 256


def fingerprint_texture(image: torch.Tensor) -> torch.Tensor:
    """The lowest frequencies (3, 2 * FREQUENCIES + 1, 2 * FREQUENCIES + 1) of (3, H, W), complex, of any size."""
    rows, columns = _waves(image.shape[1]), _waves(image.shape[2])
    strips = zip(rows.split(ROWS_AT_ONCE, 1), image.split(ROWS_AT_ONCE, 1), strict=True)
    return sum(wave @ (strip.to(torch.complex64) @ columns.T) for wave, strip in strips)


def find_duplicates(fingerprints: torch.Tensor, pause: Callable[[], None] = lambda: None) -> list[tuple[int, int]]:
    """Pairs (later, earlier) of (N, 3, F, F) fingerprints that show the same texture in the same colours.

    `pause` is called for each and may raise to stop.
    """
    colors = fingerprints[:, :, FREQUENCIES, FREQUENCIES].real
    details = fingerprints.clone()
    details[:, :, FREQUENCIES, FREQUENCIES] = 0
    contrast = details.abs().square().sum((-1, -2)).sqrt()
    magnitudes = torch.nn.functional.normalize(details.abs().flatten(1), dim=1)
    pairs = []
    for later in range(1, len(details)):
        pause()
        near = (colors[:later] - colors[later]).abs().amax(1) < SAME_COLOR
        near &= ((contrast[:later] - contrast[later]).abs() <= SAME_CONTRAST * contrast[later] + 1e-3).all(1)
        candidates = near.nonzero().flatten()
        if not len(candidates):
            continue
        turned = torch.stack([turn(details[later]).abs().flatten() for turn in _TURNS[:4]])
        cosines = magnitudes[candidates] @ torch.nn.functional.normalize(turned, dim=1).T
        for earlier in candidates[cosines.amax(1) > SAME_SPECTRUM].tolist():
            if _correlation(details[earlier], details[later]) > SAME_PICTURE:
                pairs.append((later, earlier))
    return pairs


def _waves(size: int) -> torch.Tensor:
    frequency = torch.arange(-FREQUENCIES, FREQUENCIES + 1, dtype=torch.float64)
    position = (torch.arange(size, dtype=torch.float64) + 0.5) / size
    return (torch.exp(-2j * torch.pi * torch.outer(frequency, position)) / size).to(torch.complex64)


def _correlation(a: torch.Tensor, b: torch.Tensor) -> float:
    """The highest correlation of a with b over all shifts, turns and mirror images."""
    return max(_peak(a, turn(b)) for turn in _TURNS)


def _peak(a: torch.Tensor, b: torch.Tensor) -> float:
    grid = torch.zeros(_PEAK_GRID, _PEAK_GRID, dtype=torch.complex64)
    size = a.shape[-1]
    grid[:size, :size] = (a * b.conj()).sum(0)
    highest = torch.fft.ifft2(grid, norm="forward").abs().amax()
    return float(highest / (a.norm() * b.norm()).clamp(min=1e-12))


# Each also with a half turn, which leaves the magnitudes of a real image's spectrum as they are.
_TURNS = [
    lambda spectrum: spectrum,
    lambda spectrum: spectrum.rot90(1, (-2, -1)),
    lambda spectrum: spectrum.flip(-1),
    lambda spectrum: spectrum.transpose(-1, -2),
    lambda spectrum: spectrum.rot90(2, (-2, -1)),
    lambda spectrum: spectrum.rot90(3, (-2, -1)),
    lambda spectrum: spectrum.flip(-2),
    lambda spectrum: spectrum.rot90(2, (-2, -1)).transpose(-1, -2),
]
