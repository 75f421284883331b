"""The report of a scored grid, and its CSV file."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from ..common.seams import LEAST_SIDE
from .cells import named
from .choice import allowed_copies
from .score_grid import Confirmed, Result
from .scores import CellScores, Score

FEW_PROMPTS = 5
KINDS = ("value", "style", "following", "copied", "diversity", "seamless")


def report(result: Result) -> str:
    """What was chosen and why, what stands against trusting it, and a line for each cell."""
    return "\n".join([*verdict(result), "", *_cautions(result), "", *_table(result)])


def verdict(result: Result) -> list[str]:
    """Which cell was chosen and why, what it scores on fresh seeds, and how to choose another."""
    choice, cells = result.choice, result.cells
    if result.chosen is None:
        lines = ["No cell may be chosen: every one of them fails a gate. The model comes out without a LoRA."]
        return lines + [f"  {_name(result, number)}: {reason}" for number, reason in choice.refused.items()]
    chosen = next(number for number, scores in enumerate(cells) if scores.cell == result.chosen)
    lines = [f"Chosen: {_name(result, chosen)}, which is {result.chosen.lora} at weight {result.chosen.strength:g}."]
    lines.append(f"Why: {_why(result, chosen)}")
    if choice.best is not None and is_ranked(result) and len(cells) > 1:
        lines += _standing(result, choice.best)
    if choice.refused:
        lines.append(f"Refused: {_names(result, list(choice.refused))}, each with its reason in the table.")
    if result.confirmed:
        lines += _confirmation(result, result.confirmed)
    known = result.confirmed
    base, scores = (known.base, known.winner) if known else (result.base, cells[chosen])
    if scores.style and base.style and not (scores.style - base.style).interval[0] > 0:
        lines.append("Not certain: it may be no nearer to your renders than the model without LoRA.")
    others = [number for number in range(len(cells)) if number != chosen]
    if others and not result.by_hand:
        other = _name(result, min(others, key=lambda n: (n in choice.refused, -cells[n].value.value)))
        lines.append(f"Your eye says otherwise? Click a cell in the node, or write it into choice, such as {other}.")
    return lines


def is_ranked(result: Result) -> bool:
    """Whether there is any number that tells cells apart."""
    return result.base.style is not None or result.base.following is not None


def _why(result: Result, chosen: int) -> str:
    choice, cells = result.choice, result.cells
    if result.by_hand:
        return "you chose it." + (f" The rule would not: {choice.refused[chosen]}." if chosen in choice.refused else "")
    if result.confirmed and result.confirmed.overturned and result.confirmed.runner_up:
        first = named(result.confirmed.runner_up.cell, result.grid.cells)
        if result.confirmed.refused:
            return f"{first}, which the rule had taken first, fails a gate on fresh seeds: {result.confirmed.refused}."
        return f"it did better on fresh seeds than {first}, which the rule had taken first."
    if not is_ranked(result):
        return "nothing ranks the cells (see below), so the earliest checkpoint was taken, at the weight nearest 1."
    if len(cells) - len(choice.refused) == 1:
        return "it is the only cell" + (" that passes the gates." if choice.refused else ".")
    if len(choice.as_good) == 1:
        return "it ranks best, and no other cell comes within one standard error of it."
    return (
        f"of the cells within one standard error of the best ({_names(result, choice.as_good)}) it is the earliest "
        "checkpoint, at the weight nearest 1."
    )


def _standing(result: Result, best: int) -> list[str]:
    choice = result.choice
    chance = float(choice.chances[best])
    lines = [f"Best by the numbers alone: {_name(result, best)}; with other prompts it would be that in {chance:.0%}."]
    others = [number for number in choice.not_worse if number != best]
    if others:
        lines.append(f"Not significantly different from it at 95 %: {_names(result, others)}.")
    return lines


def _confirmation(result: Result, confirmed: Confirmed) -> list[str]:
    seeds = "1 fresh seed" if confirmed.seeds == 1 else f"{confirmed.seeds} fresh seeds"
    lines = [f"Confirmed on {seeds} a prompt (believe these numbers, not the table's):"]
    for scores in filter(None, (confirmed.winner, confirmed.runner_up)):
        lines.append(f"  {named(scores.cell, result.grid.cells)}: {_scores_in_words(scores)}")
    if confirmed.refused and not confirmed.overturned:
        lines.append(f"  On these it would be refused: {confirmed.refused}.")
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
        lines.append("Style is unknown: it needs two renders that were held out, and two pictures a cell.")
    if result.base.following is None:
        lines.append(
            "Prompt following is unknown: it needs prompts that are captions of renders, and at least two such renders "
            "with captions of their own. Connect the held-out dataset to LoRA Grid."
        )
    if min(grid.sampling.width, grid.sampling.height) < LEAST_SIDE:
        lines.append(f"Whether pictures tile is unknown below {LEAST_SIDE} px a side, and counts as no.")
    if result.base.sound.value < 1:
        blank = round((1 - result.base.sound.value) * result.base.pictures)
        lines.append(
            f"{blank} of {result.base.pictures} pictures show nothing without a LoRA already: look for the fault in "
            "model, VAE or sampler settings."
        )
    if len(grid.prompts) == 1:
        lines.append("One prompt: the intervals say how seeds vary, and nothing about other prompts.")
    elif len(grid.prompts) < FEW_PROMPTS:
        lines.append(f"{len(grid.prompts)} prompts: the intervals are wide, as they must be.")
    if len(grid.seeds) == 1:
        lines.append("One seed: whether all seeds give the same picture is unknown.")
    if result.base.pictures == 1:
        lines.append("One picture a cell: nothing can be said about chance.")
    allowed = allowed_copies(result.calibration, result.base.pictures)
    lines.append(f"{result.calibration} Up to {allowed:.0%} of a cell's pictures may be that by chance.")
    return lines


def _table(result: Result) -> list[str]:
    lines = [f"no LoRA: {_scores_in_words(result.base)}"]
    for number, scores in enumerate(result.cells):
        reason = result.choice.refused.get(number)
        mark = f" [refused: {reason}]" if reason else f" [best in {float(result.choice.chances[number]):.0%}]"
        lines.append(f"{_name(result, number)}: {_scores_in_words(scores)}{mark}")
        transfer = result.grid.transfers.get(scores.cell)
        if transfer:
            lines[-1] += (
                f" loss transfer {rounded(transfer.share)} ({rounded(transfer.interval[0])} to "
                f"{rounded(transfer.interval[1])})"
            )
    return lines


def _name(result: Result, number: int) -> str:
    return named(result.cells[number].cell, result.grid.cells)


def _names(result: Result, numbers: Sequence[int]) -> str:
    return ", ".join(_name(result, number) for number in numbers)


def _scores_in_words(scores: CellScores) -> str:
    named = {"style": scores.style, "following": scores.following, "diversity": scores.diversity, **scores.others}
    parts = [f"{name} {_with_interval(score)}" for name, score in named.items() if score]
    parts += [f"copied {scores.copied.value:.0%}", f"tiles {scores.seamless.value:.0%}"]
    return ", ".join(parts)


def _with_interval(score: Score) -> str:
    low, high = score.interval
    return f"{rounded(score.value)} ({rounded(low)} to {rounded(high)})" if low == low else rounded(score.value)


def rounded(number: float) -> str:
    """To two places, without the sign of a 0."""
    return f"{round(number, 2) + 0.0:.2f}"


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
    taken = result.choice.chosen
    chosen = named(result.chosen, result.grid.cells) if result.chosen else None
    rule = None if result.by_hand else chosen
    if result.by_hand and taken is not None:
        rule = _name(result, taken)
    return {
        "chosen": chosen,
        "rule": rule,
        "by_hand": result.by_hand,
        "verdict": verdict(result),
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
