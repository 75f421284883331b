"""The node that chooses a checkpoint and its weight."""

from comfy_api.latest import io

from ...common.texture_dataset import TextureDataset
from ...evaluation.cells import find_cell
from ...evaluation.grid import LoraGrid
from ...host.clip_scores import NONE, load_encoders
from ...host.progress import progress_callback
from ...host.protocols import Clip, Model
from ..sockets import TextureDatasetSocket
from .encoder_inputs import encoder_inputs
from .renders import check_apart, framed_renders
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
                io.Model.Output(
                    "model", tooltip="The model with the chosen LoRA at its weight. Nothing where no model is linked."
                ),
                io.Clip.Output("clip", tooltip="The text encoder with it. Nothing where no clip is linked."),
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
        from ...evaluation.score_grid import score_grid
        from ...host.scored_grid import check_model, with_chosen, written_verdict

        by_hand = find_cell(choice, grid.cells) if choice.strip() else None
        size = (grid.sampling.width, grid.sampling.height)
        check_apart(training, held_out, "training")
        check_model(model, clip, grid)
        trained = framed_renders(training, size, "training")
        others = framed_renders(held_out, size, "held_out") if held_out is not None and len(held_out) else None
        encoders = load_encoders(clip_vision, clip_text, aesthetic, (others or trained).pictures)
        result = score_grid(grid, trained, others, encoders or None, by_hand, fresh_seeds, progress_callback())
        name, strength = (result.chosen.lora, result.chosen.strength) if result.chosen else ("", 0.0)
        chosen = *with_chosen(model, clip, result), name, strength
        verdict = written_verdict(result)
        shown = {"tilewright_grid": [grid.name]}
        return io.NodeOutput(*chosen, verdict.table, verdict.report, verdict.csv, ui=shown)
