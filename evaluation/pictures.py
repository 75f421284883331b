"""What is measured of each picture, once, whatever is compared afterwards."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

import torch

from ..common.seams import EDGE, seam_statistics
from .copies import unit_length
from .features import color_features, grey_spectrum, structure_features

AT_ONCE = 16  # pictures whose spectra are summed up together


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
    """Of pictures (3, H, W), sRGB in 0..1, one at a time. `measured_one` is called after each."""
    waiting, parts = iter(pictures), []
    while some := [_seen(picture, measured_one) for picture in islice(waiting, AT_ONCE)]:
        spectra, colors, sound, seamless = zip(*some, strict=True)
        spectrum = torch.cat(spectra)
        features = torch.cat([structure_features(spectrum), torch.cat(colors)], 1)
        parts.append(Measured(features, unit_length(spectrum), torch.tensor(sound), torch.tensor(seamless)))
    return parts[0] if len(parts) == 1 else Measured(*map(torch.cat, zip(*map(_fields, parts), strict=True)))


def _fields(part: Measured) -> tuple[torch.Tensor, ...]:
    return part.features, part.fingerprints, part.sound, part.seamless


def _seen(picture: torch.Tensor, measured_one: Callable[[], None]) -> tuple[torch.Tensor, torch.Tensor, bool, bool]:
    """The spectrum and the colours of (3, H, W), and whether it shows anything and tiles."""
    finite = bool(picture.isfinite().all())
    clean = picture[None].nan_to_num(0, 0, 0).clamp(0, 1)
    spectrum = grey_spectrum(clean)
    sound = finite and bool(unit_length(spectrum).abs().sum() > 0)
    seen = spectrum, color_features(clean), sound, sound and tiles(clean)
    measured_one()
    return seen


def tiles(picture: torch.Tensor) -> bool:
    """Whether no line shows where (1, 3, H, W) meets its own copy. Pictures too small to tell do not."""
    if min(picture.shape[-2:]) < 3 * EDGE:
        return False
    return all(seam_statistics(picture, axis).verdict != "seam" for axis in ("x", "y"))
