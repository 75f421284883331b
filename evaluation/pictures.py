"""What is measured of each picture, once, whatever is compared afterwards."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

import torch

from ..common.seams import LEAST_SIDE, SEAM, seam_statistics_each
from .copies import unit_length
from .features import color_features, grey_spectrum, structure_features

AT_ONCE = 16  # pictures whose spectra are summed up together
VALUES = 2**17  # of small pictures that are looked at together: each call takes longer than its work on one


@dataclass(frozen=True)
class Measured:
    """N pictures: features (N, D), fingerprints (N, F, F), and of each whether it shows anything and whether it tiles.

    sound (N,) is False for pictures of one colour and for those with NaN or infinite values. seamless (N,) is False
    where a line shows at one of the wraps.
    """

    features: torch.Tensor
    fingerprints: torch.Tensor
    sound: torch.Tensor
    seamless: torch.Tensor

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, numbers: torch.Tensor | slice) -> "Measured":
        return Measured(self.features[numbers], self.fingerprints[numbers], self.sound[numbers], self.seamless[numbers])


def measure(pictures: Iterable[torch.Tensor], measured_one: Callable[[], None] = lambda: None) -> Measured:
    """Of pictures (3, H, W), sRGB in 0..1, a few at a time. `measured_one` is called after each."""
    waiting, parts = iter(pictures), []
    while some := list(islice(waiting, AT_ONCE)):
        parts.append(_measured(some, measured_one))
    return parts[0] if len(parts) == 1 else Measured(*map(torch.cat, zip(*map(_fields, parts), strict=True)))


def _fields(part: Measured) -> tuple[torch.Tensor, ...]:
    return part.features, part.fingerprints, part.sound, part.seamless


def _measured(pictures: Sequence[torch.Tensor], measured_one: Callable[[], None]) -> Measured:
    spectra, colors, finite, seamless = [], [], [], []
    for alike in _batches(pictures):
        finite.append(alike.isfinite().flatten(1).all(1))
        clean = alike.nan_to_num(0, 0, 0).clamp(0, 1)
        spectra.append(grey_spectrum(clean))
        colors.append(color_features(clean))
        seamless.append(tiles(clean))
        for _ in alike:
            measured_one()
    spectrum = torch.cat(spectra)
    features = torch.cat([structure_features(spectrum), torch.cat(colors)], 1)
    prints = unit_length(spectrum)
    sound = torch.cat(finite) & (prints.abs().sum((1, 2)) > 0)
    return Measured(features, prints, sound, sound & torch.cat(seamless))


def _batches(pictures: Sequence[torch.Tensor]) -> Iterator[torch.Tensor]:
    """(B, 3, H, W): neighbours of one size, as many as have no more than `VALUES` values; larger ones each alone."""
    for shape, alike in groupby(pictures, lambda picture: picture.shape):
        while part := list(islice(alike, max(1, VALUES // max(1, shape.numel())))):
            yield torch.stack(part)


def tiles(pictures: torch.Tensor) -> torch.Tensor:
    """(B,) whether no line shows where each of (B, 3, H, W) meets its own copy. Pictures too small to tell do not."""
    if min(pictures.shape[-2:]) < LEAST_SIDE:
        return torch.zeros(len(pictures), dtype=torch.bool)
    both = [[seam.verdict != SEAM for seam in seam_statistics_each(pictures, axis)] for axis in ("x", "y")]
    return torch.tensor(both).all(0)
