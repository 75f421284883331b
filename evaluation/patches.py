"""Whether pieces of a picture are pieces of a training render, though the whole is not: by normalised correlation.

Pictures are compared at 128 px in patches of 32: a stone that was memorised stands in a new wall.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from .copies import turns

SIDE, PATCH = 128, 32
_FLAT = 0.02  # deviation of grey: plain pieces are alike without being copies
_PERCENTILE = 0.99
_AT_ONCE = 64  # renders, each in 8 positions


@dataclass(frozen=True)
class Patches:
    """correlations (G, G): of each piece of a picture its highest with any piece of a render; nan for plain pieces."""

    correlations: torch.Tensor

    def copied(self, threshold: float) -> torch.Tensor:
        """(G, G) whether a piece is a copy."""
        return self.correlations > threshold


class PatchMatcher:
    """Looks patches up in renders (N, 3, H, W), at every shift and in all eight positions."""

    def __init__(self, renders: torch.Tensor) -> None:
        self.laid = turns(_small(renders)).flatten(0, 1).float()  # (N * 8, S, S)
        self.owner = torch.arange(len(renders)).repeat_interleave(8)
        self.spectra = torch.fft.rfft2(self.laid)
        self.deviations = _window_deviation(self.laid)

    def __call__(self, picture: torch.Tensor, without: int | None = None) -> Patches:
        """Of (3, H, W); `without` leaves out the render of that number, which the picture is itself."""
        pieces = _small(picture[None]).float().unfold(1, PATCH, PATCH).unfold(2, PATCH, PATCH)[0].flatten(0, 1)
        centred = pieces - pieces.mean((1, 2), keepdim=True)
        length = centred.square().sum((1, 2)).sqrt()
        spectra = torch.fft.rfft2(F.pad(centred, (0, SIDE - PATCH, 0, SIDE - PATCH))).conj()
        kept = torch.arange(len(self.laid)) if without is None else (self.owner != without).nonzero().flatten()
        best = torch.full((len(pieces),), -1.0)
        for chunk in kept.split(_AT_ONCE):
            products = torch.fft.irfft2(spectra[:, None] * self.spectra[chunk], s=(SIDE, SIDE))
            correlation = products / (length[:, None, None, None] * self.deviations[chunk]).clamp(min=1e-6)
            best = torch.maximum(best, correlation.amax((1, 2, 3)))
        plain = length < _FLAT * PATCH
        grid = SIDE // PATCH
        return Patches(torch.where(plain, torch.nan, best).view(grid, grid))


def patch_threshold(
    matcher: PatchMatcher, held_out: Sequence[torch.Tensor], training: torch.Tensor, repeated: Sequence[int] = ()
) -> float:
    """The correlation that one in a hundred pieces of held-out renders exceeds; without those, of training renders
    among the others, but for those whose numbers are in `repeated`. 1 where there is nothing to compare."""
    found = [matcher(picture) for picture in held_out]
    if not found and len(training) > 1:
        alone = (number for number in range(len(training)) if number not in repeated)
        found = [matcher(training[number], without=number) for number in alone]
    values = torch.cat([patches.correlations.flatten() for patches in found]) if found else torch.empty(0)
    sound = values[values.isfinite()]
    return float(sound.quantile(_PERCENTILE)) if len(sound) else 1.0


def _small(pictures: torch.Tensor) -> torch.Tensor:
    """(B, S, S) grey of (B, 3, H, W)."""
    grey = pictures.mean(1, keepdim=True).nan_to_num(0, 0, 0)
    return F.interpolate(grey, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)[:, 0]


def _window_deviation(planes: torch.Tensor) -> torch.Tensor:
    """(B, S, S): the length of the centred window that begins at each place of the torus."""
    window = torch.zeros(SIDE, SIDE, dtype=torch.float64)
    window[:PATCH, :PATCH] = 1
    spectrum = torch.fft.rfft2(window).conj()
    total, squares = (
        torch.fft.irfft2(torch.fft.rfft2(values.double()) * spectrum, s=(SIDE, SIDE)) for values in (planes, planes**2)
    )
    return (squares - total.square() / PATCH**2).clamp(min=(_FLAT * PATCH) ** 2).sqrt().float()
