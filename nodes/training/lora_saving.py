"""What Train Texture LoRA writes and shows on its way."""

from typing import Any

from comfy_api.latest import io

from ...training.config import SavingConfig
from ...training.settings import configured
from .widgets import widgets

SavingSocket = io.Custom("TILEWRIGHT_LORA_SAVING")


class LoraSaving(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightLoraSaving",
            display_name="LoRA Saving",
            category="Tilewright/training",
            description="What Train Texture LoRA writes and shows on its way: checkpoints, samples, validation, "
            "states.",
            search_aliases=[
                "save every",
                "checkpoint",
                "sample while training",
                "validation",
                "resume",
                "save_every_n_steps",
                "sample prompts",
            ],
            inputs=widgets(SavingConfig),
            outputs=[SavingSocket.Output("saving", tooltip="For Train Texture LoRA.")],
        )

    @classmethod
    def execute(cls, **settings: Any) -> io.NodeOutput:
        return io.NodeOutput(configured(SavingConfig, settings))
