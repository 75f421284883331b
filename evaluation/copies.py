"""Whether a picture is one of the training renders, rolled, turned or mirrored: how high their correlation peaks.

Grey and without their means, both are compared at every shift and in all eight positions of the square, by the Fourier
transform, at the lowest frequencies. What counts as a copy is not a fixed number: it is calibrated on renders that were
held out, for regular patterns resemble each other whoever made them.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev

import torch

from ..common.dataset_counts import counted
from .peaks import any_above, highest_peaks
from .polynomials import Polynomials
from .spectrum import lowest_frequencies

HIGHEST = 24  # cycles a tile: which details decide
LEAST = (
    0.4  # correlation of a copy: below it nobody sees one, and pictures coarser than the renders get there by chance
)
LEAST_DEVIATION = 0.02  # of innocent correlations: two that are equal by chance know nothing of their spread
SAME_PICTURE = 0.95  # training renders that are the same picture say nothing about how like different ones are


def turns(planes: torch.Tensor) -> torch.Tensor:
    """(..., 8, N, N): all positions of the square that (..., N, N) can lie in."""
    mirrored = planes.flip(-1)
    return torch.stack([view.rot90(k, (-2, -1)) for view in (planes, mirrored) for k in range(4)], -3)


def fingerprints(images: torch.Tensor | Sequence[torch.Tensor]) -> torch.Tensor:
    """Spectra (B, F, F) of the brightness of images (3, H, W), of unit length; zero for an image without contrast."""
    spectra = torch.zeros(len(images), 2 * HIGHEST + 1, 2 * HIGHEST + 1, dtype=torch.complex128)
    for spectrum, image in zip(spectra, images, strict=True):  # all at once in doubles are gigabytes
        spectrum.copy_(lowest_frequencies(image.double().mean(0), HIGHEST))
    return unit_length(spectra)


def unit_length(spectra: torch.Tensor) -> torch.Tensor:
    """Fingerprints (B, F, F) of spectra that hold at least the frequencies up to `HIGHEST`."""
    beyond = spectra.shape[-1] // 2 - HIGHEST
    inside = slice(beyond, spectra.shape[-1] - beyond)
    kept = spectra[:, inside, inside].clone()
    kept[:, HIGHEST, HIGHEST] = 0
    length = kept.abs().square().sum((1, 2), keepdim=True).sqrt()
    return torch.where(length > 1e-4, kept / length.clamp(min=1e-12), 0)


@dataclass(frozen=True)
class Match:
    """The render most like a picture: its number, the correlation at the best shift (-1..1), and how it lies there.

    The render, mirrored if position is 4 or more, turned by position % 4 quarters and rolled by shift (rows, columns,
    in shares of the side), lies on the picture.
    """

    render: int
    correlation: float
    position: int
    shift: tuple[float, float]


def nearest(spectrum: torch.Tensor, renders: torch.Tensor) -> Match:
    """Of renders' fingerprints (N, F, F) the one most like a picture's (F, F)."""
    return nearest_each(spectrum[None], renders)[0]


def nearest_each(spectra: torch.Tensor, renders: torch.Tensor | Polynomials) -> list[Match]:
    """Of renders' fingerprints (N, F, F), or of these as they were `laid` once for many pictures, the one most like
    each of the pictures' (B, F, F)."""
    positions = laid(renders) if isinstance(renders, torch.Tensor) else renders
    return _matches(positions.times(spectrum) for spectrum in spectra)


def copied(spectra: torch.Tensor, renders: Polynomials, threshold: float) -> torch.Tensor:
    """(B,) whether each of the pictures' fingerprints (B, F, F) correlates with a render, as `laid` once, by more."""
    return torch.tensor(any_above((renders.times(spectrum) for spectrum in spectra), HIGHEST, threshold))


def laid(renders: torch.Tensor) -> Polynomials:
    """Fingerprints (N, F, F) in all eight positions, to be multiplied with those of pictures."""
    return Polynomials.of(turns(renders).flatten(0, 1).conj())


def _matches(products: Iterable[Polynomials]) -> list[Match]:
    return [Match(number // 8, height, number % 8, shift) for number, height, shift in highest_peaks(products, HIGHEST)]


def pair_correlations(spectra: torch.Tensor, pairs: Sequence[tuple[int, int]]) -> torch.Tensor:
    """(K,) correlations of K pairs of the fingerprints (N, F, F), each at its best shift and turn."""
    seconds = {b: place for place, b in enumerate(sorted({b for _, b in pairs}))}
    positions = laid(spectra[list(seconds)])
    places = (slice(8 * seconds[b], 8 * seconds[b] + 8) for _, b in pairs)
    products = (positions[place].times(spectra[a]) for place, (a, _) in zip(places, pairs, strict=True))
    return torch.tensor([match.correlation for match in _matches(products)], dtype=torch.float64)


def likeness(spectra: torch.Tensor) -> torch.Tensor:
    """(N, N) correlations of each of the fingerprints (N, F, F) with each other one; of one with itself -1."""
    count = len(spectra)
    pairs = [(a, b) for a in range(count) for b in range(a)]
    alike = torch.full((count, count), -1.0, dtype=torch.float64)
    for (a, b), correlation in zip(pairs, pair_correlations(spectra, pairs).tolist(), strict=True):
        alike[a, b] = alike[b, a] = correlation
    return alike


@dataclass(frozen=True)
class Calibration:
    """Above which correlation a picture counts as a copy, and which share of pictures that are none gets there.

    highest: what renders that are no copies reach, in so many `innocent` comparisons; 0 of them where there was nothing
    to compare. tail: by Student's t, the chance that one more of them exceeds the threshold. twins: numbers of the
    held-out renders that are a training render themselves, and so calibrate nothing; repeated: of the training renders
    that are another one too.
    """

    highest: float
    innocent: int
    tail: float = 1.0
    twins: tuple[int, ...] = ()
    repeated: tuple[int, ...] = ()

    @classmethod
    def of(cls, peaks: Sequence[float]) -> "Calibration":
        """From the correlations of renders that are no copies. Without any, only the same picture is a copy."""
        if not peaks:
            return cls(SAME_PICTURE, 0)
        known = cls(max(peaks), len(peaks))
        return replace(known, tail=_chance_above(known.threshold, peaks))

    @property
    def threshold(self) -> float:
        return max(self.highest, LEAST)

    def __str__(self) -> str:
        rule = f"A picture counts as a copy above a correlation of {self.threshold:.2f}"
        if not self.innocent:
            return f"{rule}: there were no other renders that would tell how like different ones are."
        return f"{rule}; in {counted(self.innocent, 'comparison')} renders that are none reach {self.highest:.2f}."

    def warning(self, names: Sequence[str]) -> str:
        """That held-out renders, called so, are training renders as well; "" where none is."""
        if not self.twins:
            return ""
        listed = ", ".join(names[number] for number in self.twins[:5])
        return (
            f"{len(self.twins)} of {len(names)} held-out renders are training renders as well, or as regular as those, "
            f"such as {listed}: they make copies look like success. Hold out other materials with Split Dataset."
        )

    @property
    def expected(self) -> float:
        """The share of pictures that would count as copies although the model had learnt no render by heart.

        The highest of n is exceeded by the next with chance 1 / (n + 1), and what lies far above them all more rarely.
        """
        if not self.innocent:
            return 0.0
        return min(1 / (self.innocent + 1), self.tail if self.threshold > self.highest else 1.0)


def _chance_above(limit: float, peaks: Sequence[float]) -> float:
    """That the next of normal numbers exceeds `limit`, their mean and deviation being known from `peaks` alone."""
    from scipy.special import stdtr  # Student's t, as scipy.stats has it, which takes half a second to load

    if len(peaks) < 2:
        return 1.0
    deviation = max(stdev(peaks), LEAST_DEVIATION) * math.sqrt(1 + 1 / len(peaks))
    return float(stdtr(len(peaks) - 1, (fmean(peaks) - limit) / deviation))


def calibrate(held_out: torch.Tensor, training: torch.Tensor, among: torch.Tensor | None = None) -> Calibration:
    """From fingerprints (M, F, F) of held-out renders against (N, F, F) training ones, and these among each other,
    whose `likeness` is `among` where it is known.

    Renders that are the same picture twice do not count. Without anything to compare only the same picture is a copy.
    """
    outer = [match.correlation for match in nearest_each(held_out, training)]
    inner = (likeness(training) if among is None else among).amax(1).tolist() if len(training) > 1 else []
    known = Calibration.of([peak for peak in outer + inner if peak <= SAME_PICTURE])
    return replace(known, twins=_same_pictures(outer), repeated=_same_pictures(inner))


def _same_pictures(peaks: Sequence[float]) -> tuple[int, ...]:
    return tuple(number for number, peak in enumerate(peaks) if peak > SAME_PICTURE)
