"""What Train Texture LoRA asks of the model: noise, loss, captions, and the torus."""

from typing import Any

from comfy_api.latest import io

from ...training.config import ObjectiveConfig
from ...training.settings import configured
from .widgets import widgets

ObjectiveSocket = io.Custom("TILEWRIGHT_LORA_OBJECTIVE")


class LoraObjective(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightLoraObjective",
            display_name="LoRA Objective",
            category="Tilewright/training",
            description="What Train Texture LoRA asks of the model: which errors count, how noise and captions vary, "
            "and that textures close on themselves.",
            search_aliases=[
                "min snr",
                "noise offset",
                "huber",
                "caption dropout",
                "shuffle",
                "clip skip",
                "torus",
                "loss type",
                "regularisation weight",
                "offset noise",
            ],
            inputs=widgets(ObjectiveConfig),
            outputs=[ObjectiveSocket.Output("objective", tooltip="For Train Texture LoRA.")],
        )

    @classmethod
    def execute(cls, **settings: Any) -> io.NodeOutput:
        return io.NodeOutput(configured(ObjectiveConfig, settings))
