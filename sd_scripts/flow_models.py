"""The flow models that sd-scripts trains: their scripts, and what these read beside the model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..common.errors import InputError
from ..training.config import NetworkConfig
from ..training.flow import FlowTimes

FLUX, CHROMA, SD3, LUMINA2, ANIMA = "Flux.1", "Chroma", "SD3", "Lumina 2", "Anima"

CLIP_L_TOKENIZER = "openai/clip-vit-large-patch14"
CLIP_G_TOKENIZER = "laion/CLIP-ViT-bigG-14-laion2B-39B-b160k"
T5_TOKENIZER = "google/t5-v1_1-xxl"
GEMMA_TOKENIZER = "google/gemma-2-2b"


@dataclass(frozen=True)
class FlowModel:
    """How sd-scripts trains a family of flow models.

    stem begins the names of its scripts, network is the module of its LoRA. encoders are the arguments that name its
    text encoders, vae the one that names its VAE. tokenizers are the repositories that its scripts ask for.
    fixed_arguments are given to them in every run. saved_as is the model folder for a whole model.
    whole_model: whether there is a script for the whole model. trains_text: whether it makes a LoRA of a CLIP, which
    ComfyUI loads. drops_cached: whether it drops captions that were encoded before.
    """

    stem: str
    network: str
    encoders: tuple[str, ...]
    vae: str = "ae"
    saved_as: str = "diffusion_models"
    tokenizers: tuple[str, ...] = ()
    fixed_arguments: Mapping[str, Any] = field(default_factory=dict)
    whole_model: bool = True
    trains_text: bool = False
    drops_cached: bool = False

    @property
    def lora_script(self) -> str:
        return f"{self.stem}_train_network.py"

    @property
    def model_script(self) -> str:
        return f"{self.stem}_train.py"


FLOW_MODELS = {
    FLUX: FlowModel(
        "flux",
        "networks.lora_flux",
        ("clip_l", "t5xxl"),
        tokenizers=(CLIP_L_TOKENIZER, T5_TOKENIZER),
        fixed_arguments={"model_prediction_type": "raw"},
        trains_text=True,
    ),
    CHROMA: FlowModel(
        "flux",
        "networks.lora_flux",
        ("t5xxl",),
        tokenizers=(CLIP_L_TOKENIZER, T5_TOKENIZER),
        fixed_arguments={"model_prediction_type": "raw", "model_type": "chroma", "apply_t5_attn_mask": True},
        whole_model=False,
    ),
    SD3: FlowModel(
        "sd3",
        "networks.lora_sd3",
        ("clip_l", "clip_g", "t5xxl"),
        vae="vae",
        saved_as="checkpoints",
        tokenizers=(CLIP_L_TOKENIZER, CLIP_G_TOKENIZER, T5_TOKENIZER),
        trains_text=True,
    ),
    LUMINA2: FlowModel("lumina", "networks.lora_lumina", ("gemma2",), tokenizers=(GEMMA_TOKENIZER,)),
    ANIMA: FlowModel("anima", "networks.lora_anima", ("qwen3",), vae="vae", drops_cached=True),
}


@dataclass(frozen=True)
class FlowFacts:
    """What Train Texture LoRA knows of a family: where its noise levels lie, and the guidance value that it is trained
    with, None for a model that takes none."""

    times: FlowTimes = FlowTimes()
    guidance: float | None = None


def flow_network(family: str, network: NetworkConfig) -> str:
    """The module that trains a LoRA on `family`. Raises `InputError` for a kind of LoRA that it does not have."""
    asked = {
        f"network type is {network.kind}": network.kind != "LoRA",
        f"conv_dim is {network.conv_rank}": network.conv_rank > 0,
        f"trained blocks is {network.blocks!r}": network.blocks != "all",
    }
    impossible = [words for words, holds in asked.items() if holds]
    if impossible:
        raise InputError(
            f"{' and '.join(impossible)}, but sd-scripts trains plain LoRAs on all blocks of {family}. Reset that in "
            "LoRA Network, use Train Texture LoRA, or write --network_args into arguments for its own choices."
        )
    return FLOW_MODELS[family].network
