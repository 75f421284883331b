"""What the scores of a LoRA grid lead to: table and report beside its pictures, and the model with the chosen LoRA."""

from dataclasses import dataclass

import numpy as np
import torch

from ..common.files import write_json, written_whole
from ..common.image_writing import write_pixels
from ..evaluation.chart import score_chart
from ..evaluation.grid import LoraGrid
from ..evaluation.score_grid import Result
from ..evaluation.sheet import contact_sheet
from ..evaluation.words import report, scores_record, table_csv
from .lora_files import check_fit, read_lora, with_lora_file
from .protocols import Clip, Model


@dataclass(frozen=True)
class Verdict:
    """The scores as an artist reads them: table (1, H, W, 3), the report, and csv with a line for each cell."""

    table: torch.Tensor
    report: str
    csv: str


def written_verdict(result: Result) -> Verdict:
    """The verdict, written beside the pictures too: scores.json, scores.csv, report.txt, and the sheet with what was
    chosen and refused."""
    verdict, grid = Verdict(score_chart(result), report(result), table_csv(result)), result.grid
    write_json(grid.folder / "scores.json", scores_record(result))
    for name, text in {"scores.csv": verdict.csv, "report.txt": verdict.report + "\n"}.items():
        with written_whole(grid.folder / name) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    refused = {result.cells[number].cell: reason for number, reason in result.choice.refused.items()}
    sheet = contact_sheet(grid.cells, grid.pictures, grid.prompts, len(grid.seeds), notes=refused, chosen=result.chosen)
    write_pixels(grid.folder / "scored_sheet.png", np.array(sheet))
    return verdict


def check_model(model: Model, clip: Clip, grid: LoraGrid) -> None:
    """Raise `InputError` for a MODEL that the LoRAs of a grid do not fit, by the first: before it is scored."""
    name = next((cell.lora for cell in grid.cells if not cell.is_base), "")
    if model is not None and name:
        check_fit(model, clip, read_lora(name))


def with_chosen(model: Model, clip: Clip, result: Result) -> tuple[Model, Clip]:
    """MODEL and CLIP, either of them None, with the chosen LoRA at its weight; unchanged where none was chosen.

    They may be others than those that the grid was painted with: what is left out of the LoRA on them is added to the
    result's notes. Raises `InputError` for a model that the LoRA does not fit.
    """
    if result.chosen is None or (model is None and clip is None):
        return model, clip
    lora = read_lora(result.chosen.lora)
    if model is not None:
        given = "the model that you gave" + (", without a clip" if clip is None else "")
        result.notes.extend(f"On {given}, {line}." for line in check_fit(model, clip, lora).splitlines())
    return with_lora_file(model, clip, lora, result.chosen.strength)
