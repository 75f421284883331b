"""What Train Texture LoRA trains."""

from typing import Any

import folder_paths
from comfy_api.latest import io

from ...training.config import NetworkConfig
from ...training.settings import configured
from ..sockets import NONE
from .widgets import widgets

NetworkSocket = io.Custom("TILEWRIGHT_LORA_NETWORK")


class LoraNetwork(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        loras = [NONE, *folder_paths.get_filename_list("loras")]
        return io.Schema(
            node_id="TilewrightLoraNetwork",
            display_name="LoRA Network",
            category="Tilewright/training",
            description="What Train Texture LoRA trains: the kind of LoRA, which layers, and what it starts from.",
            search_aliases=[
                "lycoris",
                "loha",
                "lokr",
                "dora",
                "locon",
                "text encoder training",
                "network_dim",
                "lora type",
            ],
            inputs=widgets(
                NetworkConfig, leave_out=["rank", "alpha"], options={"start_from": loras, "training_adapter": loras}
            ),
            outputs=[NetworkSocket.Output("network", tooltip="For Train Texture LoRA.")],
        )

    @classmethod
    def execute(cls, start_from: str, training_adapter: str = NONE, **settings: Any) -> io.NodeOutput:
        chosen = {"start_from": start_from, "training_adapter": training_adapter}
        files = {name: "" if file == NONE else file for name, file in chosen.items()}
        return io.NodeOutput(configured(NetworkConfig, {**settings, **files}))
