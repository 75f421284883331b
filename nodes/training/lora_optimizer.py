"""How Train Texture LoRA moves the weights."""

from typing import Any

from comfy_api.latest import io

from ...training.config import OptimizerConfig
from ...training.settings import configured
from ..validation import refusing
from .widgets import widgets

OptimizerSocket = io.Custom("TILEWRIGHT_LORA_OPTIMIZER")


class LoraOptimizer(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightLoraOptimizer",
            display_name="LoRA Optimizer",
            category="Tilewright/training",
            description="How Train Texture LoRA moves the weights: the optimizer, and the course of its learning rate.",
            search_aliases=[
                "adamw",
                "prodigy",
                "lion",
                "scheduler",
                "warmup",
                "cosine",
                "ema",
                "learning rate schedule",
                "adafactor",
                "lr_scheduler",
            ],
            inputs=widgets(OptimizerConfig, leave_out=["learning_rate"]),  # that is on the nodes that train
            outputs=[OptimizerSocket.Output("optimizer", tooltip="For Train Texture LoRA.")],
        )

    @classmethod
    @refusing
    def validate_inputs(cls, arguments: str | None = None) -> None:
        configured(OptimizerConfig, {"arguments": arguments})

    @classmethod
    def execute(cls, **settings: Any) -> io.NodeOutput:
        return io.NodeOutput(configured(OptimizerConfig, settings))
