"""Scoring a grid from end to end: measure, score, choose, and confirm what was chosen on fresh seeds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch

from ..common.errors import InputError
from .cells import BASE, Cell
from .choice import Choice, choose, refusal
from .copies import Calibration
from .grid import LoraGrid
from .pictures import Measured, measure
from .renders import ReadRenders
from .scores import CellScores, Layout, Renders, Scorer, follows

FRESH_SEED = 1_000_003  # the first seed of pictures that confirm: far from those that people type

Encode = Callable[[list[torch.Tensor], list[str]], Mapping[str, torch.Tensor]]
"""(pictures of a cell, the prompt of each) -> scores (J,) by name, of encoders that the user has"""


@dataclass(frozen=True)
class Confirmed:
    """What two cells score on seeds that played no part in choosing them.

    overturned: the runner-up of before is the winner now. refused: why the cell that was chosen first fails a gate on
    these, "" if it passes: the winner, or the runner-up where that was overturned.
    """

    winner: CellScores
    runner_up: CellScores | None
    base: CellScores
    seeds: int
    overturned: bool
    refused: str = ""


@dataclass(frozen=True)
class Result:
    """All that is known of a grid. chosen is None where no cell may be chosen."""

    grid: LoraGrid
    base: CellScores
    cells: list[CellScores]
    choice: Choice
    chosen: Cell | None
    by_hand: bool
    is_held_out: bool
    calibration: Calibration
    confirmed: Confirmed | None = None
    notes: list[str] = field(default_factory=list)


def score_grid(
    grid: LoraGrid,
    training: ReadRenders,
    held_out: ReadRenders | None,
    encode: Encode | None = None,
    by_hand: Cell | None = None,
    fresh_seeds: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Result:
    """Score every cell and choose one; `by_hand` is the person's word, which stands against every gate.

    fresh_seeds: how many seeds a prompt the winner and the runner-up are confirmed on, 0 for none. Raises `InputError`
    for a grid without pictures.
    """
    pictures = len(grid.prompts) * len(grid.seeds)
    if not pictures or not grid.cells:
        raise InputError("The grid has no pictures. Give LoRA Grid at least one prompt, one seed and one LoRA.")
    if all(cell.is_base for cell in grid.cells):
        raise InputError(
            "The grid holds nothing but the model without LoRA, so there is nothing to choose. Give LoRA Grid weights "
            "other than 0, such as 0.4 0.7 1."
        )
    grid = grid.reading_once()  # to be measured, and to be put on the sheet
    compared = held_out or training
    total = len(training.pictures) + (len(held_out.pictures) if held_out else 0) + len(grid.cells) * pictures
    count = _Counter(progress, total)
    own = measure(training.pictures, count)
    other = measure(held_out.pictures, count) if held_out else own
    captions = [sample.caption for sample in compared.samples]
    base_pictures = measure(grid.pictures(BASE), count)
    scorer = Scorer(
        Renders(own, other, captions, held_out is not None), base_pictures, Layout(grid.prompts, len(grid.seeds))
    )
    base = _scored(scorer, grid, BASE, base_pictures, encode)
    cells = [
        _scored(scorer, grid, cell, measure(grid.pictures(cell), count), encode)
        for cell in grid.cells
        if not cell.is_base
    ]
    base, cells, note = _ranked(scorer, base, cells)
    notes = [*_notes(training, held_out, scorer), *note]
    choice = choose(cells, base, scorer.calibration, scorer.set_diversity)
    chosen = by_hand or (None if choice.chosen is None else cells[choice.chosen].cell)
    confirmed = None
    if fresh_seeds and grid.paint and chosen:
        fresh = partial(grid.paint, seeds=_fresh_seeds(grid, fresh_seeds))
        confirmed = _confirm(fresh, cells, choice, chosen, by_hand is not None, scorer, encode)
        chosen = confirmed.winner.cell
    return Result(
        grid,
        base,
        cells,
        choice,
        chosen,
        by_hand is not None,
        held_out is not None,
        scorer.calibration,
        confirmed,
        notes,
    )


def _notes(training: ReadRenders, held_out: ReadRenders | None, scorer: Scorer) -> list[str]:
    """What was left out of the renders, and whether some are held out in name only."""
    if held_out is None:
        return training.notes
    warning = scorer.calibration.warning([sample.file.name for sample in held_out.samples])
    return [*training.notes, *held_out.notes, *([warning] if warning else [])]


def _ranked(
    scorer: Scorer, base: CellScores, cells: list[CellScores]
) -> tuple[CellScores, list[CellScores], list[str]]:
    """The scores with following left out of their value where it is only noise, and a line that says so.

    Its noise would make every cell as good as the best.
    """
    if base.following is None or any(follows(scores) for scores in (base, *cells)):
        return base, cells, []
    scorer.weight_of_prompts = 0.0
    note = "No cell follows the prompts better than by chance, so cells are ranked by style alone."
    return scorer.revalued(base), [scorer.revalued(scores) for scores in cells], [note]


class _Counter:
    def __init__(self, progress: Callable[[int, int], None], total: int) -> None:
        self.progress, self.done, self.total = progress, 0, total

    def __call__(self) -> None:
        self.done += 1
        self.progress(self.done, self.total)


def _scored(scorer: Scorer, grid: LoraGrid, cell: Cell, pictures: Measured, encode: Encode | None) -> CellScores:
    prompts = [prompt for prompt in grid.prompts for _ in grid.seeds]
    others = encode(grid.pictures(cell), prompts) if encode else {}
    return scorer.score(cell, pictures, others)


def _confirm(
    paint: Callable[[Sequence[Cell]], LoraGrid],
    cells: list[CellScores],
    choice: Choice,
    chosen: Cell,
    by_hand: bool,
    scorer: Scorer,
    encode: Encode | None,
) -> Confirmed:
    """Paint the winner, the cell that ranks best beside it, and the model without LoRA again, and compare them anew.

    The best of many cells was partly lucky; fresh pictures know nothing of that. The runner-up takes over where it
    leads by more than one standard error now, or where the winner fails a gate now and it does not.
    """
    passing = [scores for number, scores in enumerate(cells) if number not in choice.refused and scores.cell != chosen]
    rivals = [max(passing, key=lambda scores: scores.value.value).cell] if passing else []
    fresh = paint([BASE, chosen, *rivals])
    base_pictures = measure(fresh.pictures(BASE))
    again = Scorer(scorer.renders, base_pictures, Layout(fresh.prompts, len(fresh.seeds)), scorer.weight_of_prompts)
    base = _scored(again, fresh, BASE, base_pictures, encode)
    winner, *others = (_scored(again, fresh, cell, measure(fresh.pictures(cell)), encode) for cell in [chosen, *rivals])
    runner_up = others[0] if others else None

    def reason(scores: CellScores) -> str:
        return refusal(scores, base, again.calibration, again.set_diversity)

    if runner_up and not by_hand and not reason(runner_up):
        lead = runner_up.value - winner.value
        if lead.value > lead.standard_error or reason(winner):
            return Confirmed(runner_up, winner, base, len(fresh.seeds), overturned=True, refused=reason(winner))
    return Confirmed(winner, runner_up, base, len(fresh.seeds), overturned=False, refused=reason(winner))


def _fresh_seeds(grid: LoraGrid, count: int) -> list[int]:
    first = max(FRESH_SEED, *(seed + 1 for seed in grid.seeds)) if grid.seeds else FRESH_SEED
    return [first % 2**63 + n for n in range(count)]
