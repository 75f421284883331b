"""How Train LoRA moves the weights."""

from comfy_api.latest import io

from ...training.config import OPTIMIZERS, SCHEDULERS, OptimizerConfig
from ..validation import refusing
from .configuration import checked

OptimizerSocket = io.Custom("TILEWRIGHT_LORA_OPTIMIZER")


class LoraOptimizer(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightLoraOptimizer",
            display_name="LoRA Optimizer",
            category="Tilewright/training",
            description="How Train LoRA moves the weights: the optimizer, and the course of its learning rate.",
            search_aliases=["adamw", "prodigy", "lion", "scheduler", "warmup", "cosine", "ema"],
            inputs=[
                io.Combo.Input(
                    "optimizer",
                    options=list(OPTIMIZERS),
                    default="AdamW",
                    tooltip="AdamW is always there; the others need their package. Prodigy and D-Adaptation find "
                    "their own rate: set learning_rate to 1 for them.",
                ),
                io.Combo.Input(
                    "scheduler",
                    options=list(SCHEDULERS),
                    default="constant",
                    tooltip="Course of the learning rate over the run. Cosine ends calmly.",
                ),
                io.Float.Input(
                    "warmup",
                    default=0.0,
                    min=0.0,
                    max=100000.0,
                    step=0.01,
                    tooltip="Steps over which the rate rises from 0; a value below 1 is a share of the run. Not "
                    "for constant.",
                ),
                io.Int.Input(
                    "cycles", default=1, min=1, max=1000, tooltip="How often cosine with restarts starts again."
                ),
                io.Float.Input(
                    "power", default=1.0, min=0.1, max=10.0, step=0.1, tooltip="Exponent of polynomial; 1 is linear."
                ),
                io.Float.Input(
                    "text_encoder_rate",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=1e-6,
                    tooltip="Learning rate of the text encoder. 0 takes half of learning_rate. Not with Prodigy and "
                    "D-Adaptation.",
                ),
                io.Float.Input(
                    "weight_decay",
                    default=0.01,
                    min=0.0,
                    max=10.0,
                    step=0.001,
                    tooltip="Pull of the weights towards 0, against memorising.",
                ),
                io.Float.Input(
                    "clip_norm",
                    default=1.0,
                    min=0.0,
                    max=1000.0,
                    step=0.1,
                    tooltip="Longest gradient; what is longer is shortened to it. 0 never clips.",
                ),
                io.Int.Input(
                    "accumulation",
                    default=1,
                    min=1,
                    max=1024,
                    tooltip="Batches per step: as a batch that many times as large, in the memory of one.",
                ),
                io.Float.Input(
                    "ema",
                    default=0.0,
                    min=0.0,
                    max=0.99999,
                    step=0.001,
                    tooltip="Save a running mean of the weights with this decay per step, such as 0.99. 0 saves "
                    "the weights.",
                ),
                io.String.Input(
                    "arguments",
                    default="",
                    tooltip="More arguments for the optimizer, as name=value separated by commas: eps=1e-6, d_coef=2.",
                ),
            ],
            outputs=[OptimizerSocket.Output("optimizer", tooltip="For Train LoRA.")],
        )

    @classmethod
    @refusing
    def validate_inputs(
        cls, arguments: str | None = None, optimizer: str | None = None, text_encoder_rate: float | None = None
    ) -> None:
        checked(OptimizerConfig, kind=optimizer, text_encoder_rate=text_encoder_rate, arguments=arguments)

    @classmethod
    def execute(
        cls,
        optimizer: str,
        scheduler: str,
        warmup: float,
        cycles: int,
        power: float,
        text_encoder_rate: float,
        weight_decay: float,
        clip_norm: float,
        accumulation: int,
        ema: float,
        arguments: str,
    ) -> io.NodeOutput:
        return io.NodeOutput(
            checked(
                OptimizerConfig,
                kind=optimizer,
                scheduler=scheduler,
                warmup=warmup,
                cycles=cycles,
                power=power,
                text_encoder_rate=text_encoder_rate,
                weight_decay=weight_decay,
                clip_norm=clip_norm,
                accumulation=accumulation,
                ema=ema,
                arguments=arguments,
            )
        )
