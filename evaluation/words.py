"""The report of a scored grid, and its CSV file."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from .choice import allowed_copies
from .score_grid import Confirmed, Result
from .scores import CellScores, Score

FEW_PROMPTS = 5
KINDS = ("value", "style", "following", "copied", "diversity", "seamless")


def report(result: Result) -> str:
    """What was chosen and why, what stands against trusting it, and a line for each cell."""
    return "\n".join([*_verdict(result), "", *_cautions(result), "", *_table(result)])


def _verdict(result: Result) -> list[str]:
    choice, cells = result.choice, result.cells
    if result.chosen is None:
        lines = ["No cell may be chosen: every one of them fails a gate. The model comes out without a LoRA."]
        return lines + [f"  {cells[number].cell}: {reason}" for number, reason in choice.refused.items()]
    lines = [f"Chosen: {result.chosen} ({result.chosen.lora} at {result.chosen.strength:g})."]
    if result.by_hand:
        number = next(n for n, scores in enumerate(cells) if scores.cell == result.chosen)
        lines.append(
            "You chose it." + (f" The rule would not: {choice.refused[number]}." if number in choice.refused else "")
        )
    if choice.best is not None:
        best = cells[choice.best].cell
        chance = float(choice.chances[choice.best])
        lines.append(f"Best by the numbers: {best}; if the prompts were drawn again it would be that in {chance:.0%}.")
        lines.append(f"Within one standard error of it: {_names(cells, choice.as_good)}.")
        lines.append(f"Not told from it at 95 %: {_names(cells, choice.not_worse)}.")
    if result.confirmed:
        lines += _confirmation(result.confirmed)
    return lines


def _confirmation(confirmed: Confirmed) -> list[str]:
    lines = [f"Confirmed on {confirmed.seeds} fresh seeds a prompt (believe these numbers, not the table's):"]
    for scores in filter(None, (confirmed.winner, confirmed.runner_up)):
        lines.append(f"  {scores.cell}: {_scores_in_words(scores)}")
    if confirmed.overturned:
        lines.append("  On these the runner-up led by more than one standard error, so it was taken.")
    if confirmed.winner.style and confirmed.winner.style.interval[0] < 0:
        lines.append(
            "  The interval reaches below 0: it is not certain that the LoRA comes nearer to your renders at all."
        )
    return lines


def _cautions(result: Result) -> list[str]:
    """Whatever makes the numbers less than they seem."""
    grid, lines = result.grid, [*result.notes]
    if not result.is_held_out:
        lines.append(
            "No renders were held out: style is measured against the training renders themselves, which rewards "
            "copies, and what counts as a copy is calibrated among them alone. Hold some out with Split Dataset."
        )
    if result.base.style is None:
        lines.append("Style needs two renders and two pictures a cell, so cells are ranked without it.")
    if result.base.following is None:
        lines.append(
            "No prompt is the caption of a render that was compared with, so prompt following is unknown. Connect the "
            "held-out dataset to LoRA Grid."
        )
    if len(grid.prompts) == 1:
        lines.append("One prompt: the intervals say how seeds vary, and nothing about other prompts.")
    elif len(grid.prompts) < FEW_PROMPTS:
        lines.append(f"{len(grid.prompts)} prompts: the intervals are wide, as they must be.")
    if len(grid.seeds) == 1:
        lines.append("One seed: whether all seeds give the same picture is unknown.")
    if result.base.pictures == 1:
        lines.append("One picture a cell: nothing can be said about chance.")
    expected = allowed_copies(result.calibration, result.base.pictures)
    lines.append(f"{result.calibration} Up to {expected:.0%} of a cell's pictures may by chance.")
    return lines


def _table(result: Result) -> list[str]:
    lines = [f"no LoRA: {_scores_in_words(result.base)}"]
    for number, scores in enumerate(result.cells):
        reason = result.choice.refused.get(number)
        mark = f" [refused: {reason}]" if reason else f" [best in {float(result.choice.chances[number]):.0%}]"
        lines.append(f"{scores.cell}: {_scores_in_words(scores)}{mark}")
        transfer = result.grid.transfers.get(scores.cell)
        if transfer:
            lines[-1] += (
                f" loss transfer {transfer.share:.2f} ({transfer.interval[0]:.2f} to {transfer.interval[1]:.2f})"
            )
    return lines


def _names(cells: Sequence[CellScores], numbers: Sequence[int]) -> str:
    return ", ".join(str(cells[number].cell) for number in numbers)


def _scores_in_words(scores: CellScores) -> str:
    named = {"style": scores.style, "following": scores.following, "diversity": scores.diversity, **scores.others}
    parts = [f"{name} {_with_interval(score)}" for name, score in named.items() if score]
    parts += [f"copied {scores.copied.value:.0%}", f"tiles {scores.seamless.value:.0%}"]
    return ", ".join(parts)


def _with_interval(score: Score) -> str:
    low, high = score.interval
    return f"{score.value:.2f} ({low:.2f} to {high:.2f})" if low == low else f"{score.value:.2f}"


def table_csv(result: Result) -> str:
    """A line for each cell, the model without LoRA first; an interval's ends have columns of their own."""
    file = io.StringIO()
    names = list(dict.fromkeys(name for scores in result.cells for name in scores.others))
    kinds = [*KINDS, *names]
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(
        ["lora", "step", "strength", "pictures", *(f"{kind}{end}" for kind in kinds for end in ("", "_low", "_high")),
         "best_in", "loss_transfer", "refused", "chosen"]
    )  # fmt: skip
    for number, scores in enumerate([result.base, *result.cells], -1):
        cell, transfer = scores.cell, result.grid.transfers.get(scores.cell)
        given = {kind: getattr(scores, kind, None) for kind in KINDS} | dict(scores.others)
        row = [cell.lora, cell.step if cell.step is not None else "", f"{cell.strength:g}", scores.pictures]
        row += [text for kind in kinds for text in _csv_score(given.get(kind))]
        row.append("" if number < 0 else f"{float(result.choice.chances[number]):.4f}")
        row.append(f"{transfer.share:.4f}" if transfer else "")
        row += [result.choice.refused.get(number, ""), "yes" if cell == result.chosen else ""]
        writer.writerow(row)
    return file.getvalue()


def _csv_score(score: Score | None) -> list[str]:
    if score is None:
        return ["", "", ""]
    return ["" if number != number else f"{number:.6f}" for number in (score.value, *score.interval)]


def scores_record(result: Result) -> dict[str, Any]:
    """All of it as plain values for a JSON file."""
    cells = [result.base, *result.cells]
    return {
        "chosen": str(result.chosen) if result.chosen else None,
        "copy_threshold": result.calibration.threshold,
        "held_out": result.is_held_out,
        "confirmed": [_cell_record(scores) for scores in (result.confirmed.winner, result.confirmed.runner_up,
                      result.confirmed.base) if scores] if result.confirmed else [],
        "cells": [
            {
                **_cell_record(scores),
                "best_in": float(result.choice.chances[number]) if number >= 0 else None,
                "refused": result.choice.refused.get(number),
            }
            for number, scores in enumerate(cells, -1)
        ],
    }  # fmt: skip


def _cell_record(scores: CellScores) -> dict[str, Any]:
    given = {kind: getattr(scores, kind) for kind in KINDS} | dict(scores.others)
    plain = {kind: [None if number != number else number for number in (score.value, *score.interval)]
             for kind, score in given.items() if score}  # fmt: skip
    cell = scores.cell
    return {"lora": cell.lora, "step": cell.step, "strength": cell.strength, "pictures": scores.pictures, **plain}
