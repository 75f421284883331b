"""The node that chooses a checkpoint and its weight."""

from comfy_api.latest import io

from ...common.errors import InputError
from ...common.files import write_json, written_whole
from ...common.image_writing import write_png
from ...common.texture_dataset import TextureDataset
from ...evaluation.cells import find_cell
from ...evaluation.chart import score_chart
from ...evaluation.grid import LoraGrid
from ...evaluation.score_grid import Result, score_grid
from ...evaluation.sheet import contact_sheet
from ...evaluation.words import report, scores_record, table_csv
from ...host.clip_scores import NONE, load_encoders
from ...host.lora_files import read_lora, with_lora_file
from ...host.progress import progress_callback
from ...host.protocols import Clip, Model
from ..sockets import TextureDatasetSocket
from .encoder_inputs import encoder_inputs
from .renders import framed_renders
from .sockets import LoraGridSocket


class ScoreGrid(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightScoreGrid",
            display_name="Score Grid",
            category="Tilewright/evaluation",
            description="Scores every cell of a LoRA grid against renders that were not trained on, refuses those "
            "that copy or collapse, and chooses the plainest of the best. The model comes out with it applied.",
            search_aliases=[
                "best checkpoint",
                "pick checkpoint",
                "clip score",
                "overfitting",
                "lora weight",
                "evaluate",
                "compare",
                "comparison",
                "best lora",
            ],
            is_output_node=True,
            inputs=[
                LoraGridSocket.Input("grid", tooltip="From LoRA Grid."),
                TextureDatasetSocket.Input("training", tooltip="The renders that the LoRA was trained on."),
                TextureDatasetSocket.Input(
                    "held_out",
                    optional=True,
                    tooltip="Renders of the same materials that it was not trained on, from Split Dataset. Without "
                    "them copies look like success.",
                ),
                *encoder_inputs("clip_text"),
                io.String.Input(
                    "choice",
                    default="",
                    optional=True,
                    tooltip="Empty: the rule chooses. Or your word, step@weight, such as 600@0.7, or file@weight.",
                ),
                io.Int.Input(
                    "fresh_seeds",
                    display_name="confirm on seeds",
                    advanced=True,
                    default=2,
                    min=0,
                    max=64,
                    optional=True,
                    tooltip="Seeds a prompt on which the winner and the runner-up are painted anew. The best of many "
                    "cells was partly lucky, and these numbers are not. 0 for none.",
                ),
                io.Model.Input("model", optional=True, tooltip="The model to put the chosen LoRA on."),
                io.Clip.Input("clip", optional=True, tooltip="The text encoder to put it on."),
            ],
            outputs=[
                io.Model.Output("model", tooltip="The model with the chosen LoRA at its weight."),
                io.Clip.Output("clip", tooltip="The text encoder with it."),
                io.String.Output(
                    "lora_name", tooltip="The chosen file, for Load LoRA; empty if no cell may be chosen."
                ),
                io.Float.Output("strength", tooltip="Its weight."),
                io.Image.Output(
                    "table", tooltip="All scores with their intervals, and style against prompt following."
                ),
                io.String.Output("report", tooltip="What was chosen, why, and what stands against believing it."),
                io.String.Output("csv", tooltip="All scores, a line for each cell."),
            ],
        )

    @classmethod
    def execute(
        cls,
        grid: LoraGrid,
        training: TextureDataset,
        held_out: TextureDataset | None = None,
        clip_vision: str = NONE,
        clip_text: Clip | None = None,
        aesthetic: str = NONE,
        choice: str = "",
        fresh_seeds: int = 2,
        model: Model | None = None,
        clip: Clip | None = None,
    ) -> io.NodeOutput:
        by_hand = find_cell(choice, grid.cells) if choice.strip() else None
        size = (grid.sampling.width, grid.sampling.height)
        trained = framed_renders(training, size, "training")
        others = framed_renders(held_out, size, "held_out") if held_out is not None and len(held_out) else None
        _check_apart(training, held_out)
        encoders = load_encoders(clip_vision, clip_text, aesthetic, (others or trained).pictures)
        result = score_grid(grid, trained, others, encoders or None, by_hand, fresh_seeds, progress_callback())
        table, words, lines = score_chart(result), report(result), table_csv(result)
        _write(result, words, lines)
        applied_model, applied_clip = _applied(model, clip, result)
        name, strength = (result.chosen.lora, result.chosen.strength) if result.chosen else ("", 0.0)
        shown = {"tilewright_grid": [grid.name]}
        return io.NodeOutput(applied_model, applied_clip, name, strength, table, words, lines, ui=shown)


def _check_apart(training: TextureDataset, held_out: TextureDataset | None) -> None:
    """Renders in both sets would make copies of them look like new pictures."""
    both = {sample.file for sample in training.samples} & {
        sample.file for sample in (held_out.samples if held_out else ())
    }
    if both:
        names = ", ".join(sorted(file.name for file in both)[:5])
        raise InputError(
            f"{len(both)} images are in training and in held_out as well, such as {names}. Divide one dataset with "
            "Split Dataset, train on the first part, and connect the second as held_out."
        )


def _applied(model: Model, clip: Clip, result: Result) -> tuple[Model, Clip]:
    if result.chosen is None or (model is None and clip is None):
        return model, clip
    return with_lora_file(model, clip, read_lora(result.chosen.lora), result.chosen.strength)


def _write(result: Result, words: str, lines: str) -> None:
    """Beside the pictures: scores.json, scores.csv, report.txt, and the sheet with what was chosen and refused."""
    write_json(result.grid.folder / "scores.json", scores_record(result))
    for name, text in {"scores.csv": lines, "report.txt": words + "\n"}.items():
        with written_whole(result.grid.folder / name) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    grid = result.grid
    refused = {result.cells[number].cell: reason for number, reason in result.choice.refused.items()}
    sheet = contact_sheet(grid.cells, grid.pictures, grid.prompts, len(grid.seeds), notes=refused, chosen=result.chosen)
    write_png(grid.folder / "scored_sheet.png", sheet[0].movedim(-1, 0))
