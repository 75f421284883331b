"""What Train LoRA trains."""

import folder_paths
from comfy_api.latest import io

from ...training.config import BLOCKS, KINDS, NetworkConfig
from .configuration import checked

NetworkSocket = io.Custom("TILEWRIGHT_LORA_NETWORK")
NONE = "none"


class LoraNetwork(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TilewrightLoraNetwork",
            display_name="LoRA Network",
            category="Tilewright/training",
            description="What Train LoRA trains: the kind of LoRA, which layers, and what it starts from.",
            search_aliases=["lycoris", "loha", "lokr", "dora", "locon", "text encoder training"],
            inputs=[
                io.Combo.Input(
                    "kind",
                    options=list(KINDS),
                    default="LoRA",
                    tooltip="LoRA for nearly everything. DoRA follows full training closer and is slower. LoHa, LoKr "
                    "give smaller files and coarser control.",
                ),
                io.Int.Input(
                    "conv_rank",
                    default=0,
                    min=0,
                    max=1024,
                    tooltip="Rank on the 3x3 convolutions as well, 0 for none. 4 to 16 help fine surface detail.",
                ),
                io.Float.Input(
                    "dropout",
                    default=0.0,
                    min=0.0,
                    max=0.9,
                    step=0.01,
                    tooltip="Share of the LoRA's values left out at each step. 0.1 slows memorising of small sets.",
                ),
                io.Combo.Input(
                    "blocks",
                    options=list(BLOCKS),
                    default="all",
                    tooltip="Part of the UNet that is trained. Fewer layers change the model less.",
                ),
                io.Boolean.Input(
                    "text_encoder",
                    default=False,
                    tooltip="Train the text encoder too. Helps with new words, and forgets old ones sooner.",
                ),
                io.Combo.Input(
                    "start_from",
                    options=[NONE, *folder_paths.get_filename_list("loras")],
                    default=NONE,
                    tooltip="A LoRA to go on from. Kind, rank and blocks must be those it was trained with.",
                ),
            ],
            outputs=[NetworkSocket.Output("network", tooltip="For Train LoRA.")],
        )

    @classmethod
    def execute(
        cls, kind: str, conv_rank: int, dropout: float, blocks: str, text_encoder: bool, start_from: str
    ) -> io.NodeOutput:
        file = "" if start_from == NONE else start_from
        return io.NodeOutput(
            checked(
                NetworkConfig,
                kind=kind,
                conv_rank=conv_rank,
                dropout=dropout,
                blocks=blocks,
                text_encoder=text_encoder,
                start_from=file,
            )
        )
