"""The scores of every cell of a grid, each with how it varies when the prompts are drawn again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch

from .bootstrap import draw_counts, independent, interval, weighted_mean
from .cells import Cell
from .copies import Calibration, calibrate, copied, laid, likeness, pair_correlations
from .discrepancy import between, kernel, squared_bandwidths, within
from .pictures import Measured
from .standard_scale import StandardScale


@dataclass(frozen=True)
class Score:
    """A number of one cell and its bootstrap replicates (R,), whose resamples are the same for all cells of a grid."""

    value: float
    draws: torch.Tensor
    observations: int

    @cached_property
    def interval(self) -> tuple[float, float]:
        return interval(self.draws, self.observations)

    @cached_property
    def standard_error(self) -> float:
        """0 where a single observation tells nothing about it."""
        sound = self.draws[self.draws.isfinite()]
        return float(sound.std()) if self.observations > 1 and len(sound) > 1 else 0.0

    def __sub__(self, other: "Score") -> "Score":
        return Score(self.value - other.value, self.draws - other.draws, min(self.observations, other.observations))


@dataclass(frozen=True)
class CellScores:
    """What is known of a cell. A score that the pictures or the renders do not allow is None.

    style: 0 as without LoRA, 1 as renders that were held out. following: 1 where every picture is nearer to the
    held-out render of its own prompt than to any other, 0 by chance, -1 where the own one is always the farthest.
    copied: share of pictures that are training renders. diversity: 1 less the mean correlation of pictures of one
    prompt. seamless and sound: shares of pictures that tile, and that show anything. value: what cells are ranked by.
    others: scores of encoders that the user has, by name.
    """

    cell: Cell
    pictures: int
    style: Score | None
    following: Score | None
    copied: Score
    diversity: Score | None
    seamless: Score
    sound: Score
    value: Score
    others: Mapping[str, Score] = field(default_factory=dict)


def follows(scores: CellScores) -> bool:
    """Whether its pictures fit their prompts better than by chance."""
    return scores.following is not None and scores.following.interval[0] > 0


@dataclass(frozen=True)
class Renders:
    """What the pictures are compared with. Without held-out renders, held_out is the training renders themselves."""

    training: Measured
    held_out: Measured
    captions: Sequence[str]  # of the held-out ones
    is_held_out: bool


@dataclass(frozen=True)
class Layout:
    """Which prompt and which seed each of the J pictures of a cell is of; prompts outer, seeds inner."""

    prompts: Sequence[str]
    seeds: int

    @property
    def groups(self) -> torch.Tensor:
        """(J,) numbers of the prompts."""
        return torch.arange(len(self.prompts)).repeat_interleave(self.seeds)


class Scorer:
    """Compares cells of one layout with renders. What does not depend on the cell is computed once."""

    def __init__(self, renders: Renders, base: Measured, layout: Layout, weight_of_prompts: float = 1.0) -> None:
        self.renders, self.layout, self.weight_of_prompts = renders, layout, weight_of_prompts
        training = renders.training.features
        fitted_on = training if len(training) > 1 else torch.cat([training, renders.held_out.features])
        self.scale = StandardScale.fitted(fitted_on)
        self.reference = self.scale(renders.held_out.features)
        self.groups = layout.groups
        self.observations = independent(self.groups)
        self.styled = self._styled()
        self.counts = draw_counts(self.groups)
        self.reference_counts = draw_counts(torch.arange(len(self.reference)), seed=1)
        base_points = self.scale(base.features)
        self.bandwidths = squared_bandwidths(self.reference, base_points[self.styled])
        self.own_gram = kernel(self.reference, self.reference, self.bandwidths)
        among = likeness(renders.training.fingerprints)
        self.calibration = self._calibration(among)
        self.training_laid = laid(renders.training.fingerprints)
        down, across = torch.tril_indices(len(among), len(among), -1)
        self.set_diversity = float(_unlike(among[down, across]))
        self.base_distance = self._distance(base_points)
        self.base_following = self._following(base_points)

    def score(self, cell: Cell, pictures: Measured, others: Mapping[str, torch.Tensor] | None = None) -> CellScores:
        """The scores of a cell's J pictures; `others` are numbers (J,) of each picture, by their name."""
        points = self.scale(pictures.features)
        style, following = self._style(points), self._following(points)
        copies = copied(pictures.fingerprints, self.training_laid, self.calibration.threshold)
        return CellScores(
            cell=cell,
            pictures=len(pictures),
            style=style,
            following=following,
            copied=self.mean(copies),
            diversity=self._diversity(pictures.fingerprints),
            seamless=self.mean(pictures.seamless),
            sound=self.mean(pictures.sound),
            value=self._value(style, following),
            others={name: self.mean(values) for name, values in (others or {}).items()},
        )

    def mean(self, values: torch.Tensor) -> Score:
        """Of numbers (J,), one a picture."""
        values = values.double()
        return Score(float(values.mean()), weighted_mean(values, self.counts), self.observations)

    def revalued(self, scores: CellScores) -> CellScores:
        """The same scores ranked by the present `weight_of_prompts`."""
        return replace(scores, value=self._value(scores.style, scores.following))

    def _calibration(self, among: torch.Tensor) -> Calibration:
        others = self.renders.held_out.fingerprints
        return calibrate(others if self.renders.is_held_out else others[:0], self.renders.training.fingerprints, among)

    def _styled(self) -> torch.Tensor:
        """(J,) which pictures should look like the renders: those of prompts that have one, of none such all."""
        captions = set(self.renders.captions)
        own = torch.tensor([prompt in captions for prompt in self.layout.prompts])[self.groups]
        return own if own.any() else torch.ones_like(own)

    def _distance(self, points: torch.Tensor) -> Score | None:
        """The discrepancy from the held-out renders; needs two of each."""
        points = points[self.styled]
        if len(points) < 2 or len(self.reference) < 2:
            return None
        own, cross = kernel(points, points, self.bandwidths), kernel(points, self.reference, self.bandwidths)

        def over(counts: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
            return within(own, counts) + within(self.own_gram, others) - 2 * between(cross, counts, others)

        once = torch.ones(1, len(points), dtype=torch.float64), torch.ones(1, len(self.reference), dtype=torch.float64)
        draws = over(self.counts[:, self.styled], self.reference_counts)
        return Score(float(over(*once)), draws, independent(self.groups[self.styled]))

    def _style(self, points: torch.Tensor) -> Score | None:
        """1 less the discrepancy over that without LoRA: the mean discrepancy of halves of one set is 0."""
        distance, base = self._distance(points), self.base_distance
        if distance is None or base is None or base.value <= 0:
            return None
        return Score(1 - distance.value / base.value, 1 - distance.draws / base.value, distance.observations)

    def _following(self, points: torch.Tensor) -> Score | None:
        """How often a picture is nearer to its prompt's render than to another's; None where no prompt has a render."""
        captions = list(self.renders.captions)
        own = torch.tensor([[caption == prompt for caption in captions] for prompt in self.layout.prompts])[self.groups]
        known = own.any(1) & ~own.all(1)
        if not known.any():
            return None
        distances = torch.cdist(points, self.reference)
        nearer = (distances[:, :, None] < distances[:, None, :]).double()  # (J, own, other)
        pairs = own[:, :, None] & ~own[:, None, :]
        share = (nearer * pairs).sum((1, 2)) / pairs.sum((1, 2)).clamp(min=1)
        counts, fit = self.counts[:, known], 2 * share[known] - 1
        return Score(float(fit.mean()), counts @ fit / counts.sum(1), independent(self.groups[known]))

    def _diversity(self, spectra: torch.Tensor) -> Score | None:
        """Of the pictures of each prompt; needs two seeds."""
        seeds = self.layout.seeds
        if seeds < 2:
            return None
        return self.mean(_differences(spectra, seeds).repeat_interleave(seeds))

    def _value(self, style: Score | None, following: Score | None) -> Score:
        """Style plus `weight_of_prompts` times what was gained in following."""
        nothing = Score(0.0, torch.zeros(len(self.counts), dtype=torch.float64), self.observations)
        a = style or nothing
        b = following - self.base_following if following and self.base_following else nothing
        weight = self.weight_of_prompts
        return Score(a.value + weight * b.value, a.draws + weight * b.draws.nan_to_num(0), self.observations)


def _differences(spectra: torch.Tensor, size: int) -> torch.Tensor:
    """(N / size,) of (N, F, F): in each group of `size`, how unlike its pairs are."""
    within = [(a, b) for a in range(size) for b in range(a)]
    if not within:
        return torch.ones(len(spectra), dtype=torch.float64)
    firsts = range(0, len(spectra), size)
    correlations = pair_correlations(spectra, [(first + a, first + b) for first in firsts for a, b in within])
    return _unlike(correlations.view(len(firsts), len(within)))


def _unlike(correlations: torch.Tensor) -> torch.Tensor:
    """1 less the mean correlation of pairs (..., P); 1 without a pair."""
    if not correlations.shape[-1]:
        return torch.ones(correlations.shape[:-1], dtype=correlations.dtype)
    return 1 - correlations.clamp(min=0).mean(-1)
