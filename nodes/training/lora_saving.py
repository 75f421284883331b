"""What Train LoRA writes and shows on its way."""

from comfy_api.latest import io

from ...training.config import FILE_PRECISIONS, SavingConfig
from .configuration import checked

SavingSocket = io.Custom("TILEWRIGHT_LORA_SAVING")


class LoraSaving(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightLoraSaving",
            display_name="LoRA Saving",
            category="Tilewright/training",
            description="What Train LoRA writes and shows on its way: checkpoints, samples, validation, states.",
            search_aliases=["save every", "checkpoint", "sample while training", "validation", "resume"],
            inputs=[
                io.Int.Input(
                    "every_steps",
                    default=0,
                    min=0,
                    max=1_000_000,
                    tooltip="Steps between LoRAs that are kept, 0 for none. Try them all: the last is not always "
                    "the best.",
                ),
                io.Int.Input(
                    "every_epochs",
                    default=0,
                    min=0,
                    max=100_000,
                    tooltip="The same in passes over the set, 0 for none.",
                ),
                io.Int.Input(
                    "keep_last", default=0, min=0, max=10_000, tooltip="How many of those stay on disk, 0 for all."
                ),
                io.Combo.Input(
                    "precision",
                    options=list(FILE_PRECISIONS),
                    default="float32",
                    tooltip="Of the file. float16 halves it, and no picture changes visibly.",
                ),
                io.Int.Input(
                    "sample_every",
                    default=0,
                    min=0,
                    max=1_000_000,
                    tooltip="Steps between sample pictures, shown in the node and kept beside the state. 0 for none.",
                ),
                io.String.Input("prompts", default="", multiline=True, tooltip="What to sample, one prompt a line."),
                io.Float.Input(
                    "validation_share",
                    default=0.0,
                    min=0.0,
                    max=0.5,
                    step=0.01,
                    tooltip="Share of the images that is measured instead of trained on. When this loss rises, stop.",
                ),
                io.Int.Input(
                    "validation_every", default=50, min=1, max=1_000_000, tooltip="Steps between two such measurements."
                ),
                io.Int.Input(
                    "state_every",
                    default=250,
                    min=1,
                    max=1_000_000,
                    tooltip="Steps between states to resume from after a crash. A cancelled run always writes one.",
                ),
                io.Boolean.Input(
                    "resume",
                    default=True,
                    tooltip="Go on from the state of the same settings, images and model, if there is one.",
                ),
                io.String.Input(
                    "trigger_words", default="", tooltip="For the file's metadata: the words that call it."
                ),
                io.String.Input("comment", default="", multiline=True, tooltip="For the file's metadata."),
                io.Int.Input(
                    "measure_every",
                    default=0,
                    min=0,
                    max=1_000_000,
                    optional=True,
                    tooltip="Steps between measurements of a few training images with noise that stays the same: the "
                    "curve that shows whether it learns. 0 chooses.",
                ),
            ],
            outputs=[SavingSocket.Output("saving", tooltip="For Train LoRA.")],
        )

    @classmethod
    def execute(
        cls,
        every_steps: int,
        every_epochs: int,
        keep_last: int,
        precision: str,
        sample_every: int,
        prompts: str,
        validation_share: float,
        validation_every: int,
        state_every: int,
        resume: bool,
        trigger_words: str,
        comment: str,
        measure_every: int = 0,
    ) -> io.NodeOutput:
        return io.NodeOutput(
            checked(
                SavingConfig,
                every_steps=every_steps,
                every_epochs=every_epochs,
                keep_last=keep_last,
                precision=precision,
                sample_every=sample_every,
                prompts=prompts,
                validation_share=validation_share,
                validation_every=validation_every,
                state_every=state_every,
                resume=resume,
                trigger_words=trigger_words,
                comment=comment,
                measure_every=measure_every,
            )
        )
