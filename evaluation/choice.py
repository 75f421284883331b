"""Choosing a cell: gates that refuse, then the best, then the plainest of those that are as good.

The one-standard-error rule is that of Breiman et al., "Classification and Regression Trees" (1984), here for the paired
difference from the best cell: the earliest checkpoint, and of its weights the one nearest 1, because LoRAs are shared
in the expectation that 1 is right.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from .copies import Calibration
from .scores import CellScores, Score

LEAST_DIVERSITY = 0.7  # of what the model had without LoRA, or of what the renders have where that is less
_TILES = 0.5  # the share from which on a model without LoRA counts as one that paints tiles


@dataclass(frozen=True)
class Choice:
    """What was chosen and on what grounds. Numbers index the cells that were given.

    refused holds the reason of every cell that must not be chosen. chances (N,) are the shares of draws that each cell
    wins. as_good are the cells within one standard error of the best, not_worse those that no simultaneous test at 95 %
    tells from it. front are those that no other cell beats in both style and prompt following.
    """

    chosen: int | None
    best: int | None
    refused: dict[int, str]
    chances: torch.Tensor
    as_good: tuple[int, ...]
    not_worse: tuple[int, ...]
    front: tuple[int, ...]


def choose(cells: Sequence[CellScores], base: CellScores, calibration: Calibration, set_diversity: float) -> Choice:
    """Choose among `cells` (without the base). All of them are refused where none passes the gates."""
    refused = {}
    for number, scores in enumerate(cells):
        reason = refusal(scores, base, calibration, set_diversity)
        if reason:
            refused[number] = reason
    passing = [number for number in range(len(cells)) if number not in refused]
    chances = torch.zeros(len(cells))
    if not passing:
        return Choice(None, None, refused, chances, (), (), ())
    best = max(passing, key=lambda number: cells[number].value.value)
    chances[passing] = _chances(torch.stack([cells[number].value.draws.nan_to_num(-torch.inf) for number in passing]))
    as_good = tuple(n for n in passing if _within_one_error(cells[best].value, cells[n].value))
    chosen = min(as_good, key=lambda number: plainness(cells[number]))
    return Choice(chosen, best, refused, chances, as_good, _not_worse(cells, passing, best), _front(cells, passing))


def _chances(draws: torch.Tensor) -> torch.Tensor:
    """(N,) shares of the draws (N, R) that each wins; those that are equally good share a draw."""
    winners = (draws == draws.amax(0)).float()
    return (winners / winners.sum(0)).mean(1)


def plainness(scores: CellScores) -> tuple[float, float, str]:
    """A sort key: earliest checkpoint first, then the weight nearest 1."""
    cell = scores.cell
    step = float("inf") if cell.step is None else cell.step
    return step, abs(cell.strength - 1), cell.lora


def refusal(scores: CellScores, base: CellScores, calibration: Calibration, set_diversity: float) -> str:
    """Why a cell must not be chosen, "" if it may."""
    if scores.sound.value < 1:
        blank = round((1 - scores.sound.value) * scores.pictures)
        return f"{blank} of {scores.pictures} pictures show nothing"
    most = allowed_copies(calibration, scores.pictures)
    if scores.copied.value > most:
        return f"{scores.copied.value:.0%} of its pictures are training renders ({most:.0%} may be by chance)"
    if scores.diversity and base.diversity:
        least = LEAST_DIVERSITY * min(base.diversity.value, set_diversity)
        if scores.diversity.value < least:
            return f"its seeds give the same picture (diversity {scores.diversity.value:.2f}, least {least:.2f})"
    if base.seamless.value >= _TILES:
        lost = base.seamless.value - scores.seamless.value
        if lost > 2 * _error_of_share(base.seamless.value, scores.pictures):
            return f"only {scores.seamless.value:.0%} of its pictures tile ({base.seamless.value:.0%} without LoRA)"
    return ""


def allowed_copies(calibration: Calibration, pictures: int) -> float:
    """The share of copies that so many pictures of an innocent model reach with two standard errors to spare."""
    return min(1.0, calibration.expected + 2 * _error_of_share(calibration.expected, pictures))


def _error_of_share(share: float, count: int) -> float:
    """The standard error, never 0: a share of `count` pictures is known no better than to half a picture."""
    inner = min(max(share, 0.5 / count), 1 - 0.5 / count)
    return (inner * (1 - inner) / count) ** 0.5


def _within_one_error(best: Score, other: Score) -> bool:
    behind = best - other
    return behind.value <= behind.standard_error + 1e-12


def _not_worse(cells: Sequence[CellScores], passing: Sequence[int], best: int) -> tuple[int, ...]:
    """By the bootstrap of the largest standardised difference from the best: all comparisons hold at once."""
    behind = {number: cells[best].value - cells[number].value for number in passing if number != best}
    errors = {number: max(difference.standard_error, 1e-12) for number, difference in behind.items()}
    if not behind:
        return (best,)
    excess = [(difference.draws - difference.value) / errors[number] for number, difference in behind.items()]
    limit = float(torch.stack(excess).nan_to_num(0).abs().amax(0).quantile(0.95))
    return tuple(n for n in passing if n == best or behind[n].value <= limit * errors[n] + 1e-12)


def _front(cells: Sequence[CellScores], passing: Sequence[int]) -> tuple[int, ...]:
    """Pareto's: those that no other passing cell equals in both style and following and beats in one."""
    places = {number: _place(cells[number]) for number in passing}

    def beaten(number: int) -> bool:
        x, y = places[number]
        return any(a >= x and b >= y and (a, b) != (x, y) for a, b in places.values())

    return tuple(number for number in passing if not beaten(number))


def _place(scores: CellScores) -> tuple[float, float]:
    return (scores.style.value if scores.style else 0.0), (scores.following.value if scores.following else 0.0)
