"""What is measured of each picture, once, whatever is compared afterwards."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch

from ..common.seams import EDGE, seam_statistics
from .copies import fingerprints
from .features import texture_features


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
    rows = []
    for picture in pictures:
        rows.append(_measure_one(picture[None]))
        measured_one()
    features, spectra, sound, seamless = zip(*rows, strict=True)
    return Measured(torch.cat(features), torch.cat(spectra), torch.tensor(sound), torch.tensor(seamless))


def _measure_one(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, bool, bool]:
    finite = bool(picture.isfinite().all())
    clean = picture.nan_to_num(0, 0, 0).clamp(0, 1)
    spectrum = fingerprints(clean)
    sound = finite and bool(spectrum.abs().sum() > 0)
    return texture_features(clean), spectrum, sound, sound and tiles(clean)


def tiles(picture: torch.Tensor) -> bool:
    """Whether no line shows where (1, 3, H, W) meets its own copy. Pictures too small to tell do not."""
    if min(picture.shape[-2:]) < 3 * EDGE:
        return False
    return all(seam_statistics(picture, axis).verdict != "seam" for axis in ("x", "y"))
