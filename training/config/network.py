"""Which layers are trained, and how: the settings of LoRA Network."""

from dataclasses import dataclass

from ..settings import check_settings, setting

KINDS = ("LoRA", "DoRA", "LoHa", "LoKr")
BLOCKS = ("all", "attention", "cross-attention", "up", "middle and up")


@dataclass(frozen=True)
class NetworkConfig:
    """Which layers are trained, and with what kind of LoRA. start_from is the name of a LoRA file, "" for none."""

    rank: int = setting(
        16,
        "Width of the LoRA (kohya: network_dim). 8 suits one material, 32 a set of several. More memorises small sets "
        "sooner and grows the file.",
        within=(1, 1024),
        metadata="ss_network_dim",
    )
    alpha: float = setting(
        16.0,
        "The LoRA is scaled by alpha / rank (kohya: network_alpha). Equal to rank is neutral, half of it gentler.",
        within=(0.01, 4096.0),
        step=0.5,
        metadata="ss_network_alpha",
    )
    kind: str = setting(
        "LoRA",
        "LoRA for nearly everything. DoRA learns the length of each weight column separately: closer to full training, "
        "and slower. LoHa reaches rank² in a small file, LoKr gives the smallest. ComfyUI's loaders take them all.",
        choices=KINDS,
        label="network type",
    )
    conv_rank: int = setting(
        0,
        "Rank on the 3×3 convolutions as well, 0 for none. 4 to 16 help fine grain and fibres.",
        within=(0, 1024),
        label="conv_dim",
        advanced=True,
    )
    dropout: float = setting(
        0.0,
        "Share of the LoRA's inputs left out at each step. 0.05 to 0.2 slow the memorising of small sets.",
        within=(0.0, 0.9),
        step=0.01,
        metadata="ss_network_dropout",
        label="network_dropout",
        advanced=True,
    )
    blocks: str = setting(
        "all",
        "Part of the UNet that is trained: cross-attention for a light touch, middle and up for surface more than "
        "layout.",
        choices=BLOCKS,
        label="trained blocks",
    )
    text_encoder: bool = setting(
        False,
        "Train the text encoder too, for words that the model doesn't know. It forgets old ones sooner; see "
        "text_encoder_until of LoRA Objective.",
        label="train text encoder",
    )
    start_from: str = setting(
        "",
        "A LoRA to go on from. Kind, rank and blocks must be those it was trained with.",
        label="network_weights",
        advanced=True,
    )

    training_adapter: str = setting(
        "",
        "For checkpoints of few steps (Z-Image-Turbo, Flux schnell): the training adapter made for them, a LoRA that "
        "is in the model while it trains and not afterwards, so that it keeps sampling in few steps.",
        optional=True,
        advanced=True,
    )

    def __post_init__(self) -> None:
        check_settings(self)

    def alpha_of(self, rank: int) -> float:
        """The alpha that gives layers of another rank the same scale."""
        return self.alpha * rank / self.rank
