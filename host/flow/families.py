"""The families of flow transformers, and what sets one apart from another. Everything else they share."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.model_sampling
import comfy.supported_models
import torch

from ...training.flow import FlowTimes, ResolutionShift
from ..protocols import Model

_FLUX_SHIFT = 3.16  # e^1.15, with which the host samples Flux.1 and its kin


@dataclass(frozen=True)
class Family:
    """A kind of flow transformer.

    version and architecture are kohya's and modelspec's names. blocks are the lists of its transformer blocks. layers
    is what is trained of them, as a pattern of paths, attention and cross_attention the part of it that "attention"
    and "cross-attention" choose. text_width reads the width of its text off a network.
    guidance is the value that its guidance embedding is trained with, None without one. picture_guidance and
    picture_scale are the embedded value and the guidance scale of pictures. in_place: its blocks add to their input.
    dead_end are those of its last block's layers that nothing comes after: of a text that has been read to the end.
    text_in_model: part of its text encoder is in the model. distilled says what to load in place of a checkpoint of few
    steps, few_steps by which words in its file's name such a one is known.
    """

    name: str
    version: str
    architecture: str
    times: FlowTimes
    blocks: tuple[str, ...]
    layers: str
    text_width: Callable[[torch.nn.Module], int]
    attention: str = r"attn|attention"
    cross_attention: str = ""
    guidance: float | None = None
    picture_guidance: float | None = None
    picture_scale: float = 4.0
    in_place: bool = False
    text_in_model: bool = False
    distilled: str = ""
    few_steps: str = r"turbo|schnell|lightning|hyper|distill|lcm|dmd|[48][-_ ]?steps?"
    always_distilled: bool = False
    dead_end: str = ""


_FLUX_LAYERS = r"(double|single)_blocks\.\d+\.((img|txt)_(attn\.(qkv|proj)|mlp\.\d+)|linear[12])"
_LUMINA_LAYERS = r"layers\.\d+\.(attention\.(qkv|out)|feed_forward\.w[123])"


def _txt_in(network: Any) -> int:
    return network.txt_in.in_features


def _caption_embedder(network: Any) -> int:
    return network.cap_embedder[1].in_features


def _context_embedder(network: Any) -> int:
    return network.context_embedder.in_features


def _fused_layers(network: Any) -> int:
    return network.txtlayers * network.txtdim


def _adapter(network: Any) -> int:
    return network.llm_adapter.blocks[0].cross_attn.k_proj.in_features


FLUX = Family(
    "Flux.1 dev",
    "flux1",
    "flux-1-dev",
    FlowTimes("by resolution", 3.0, _FLUX_SHIFT),
    ("double_blocks", "single_blocks"),
    _FLUX_LAYERS,
    _txt_in,
    attention=r"attn|linear1$",
    guidance=1.0,
    picture_guidance=3.5,
    picture_scale=1.0,
    in_place=True,
)
SCHNELL = Family(
    "Flux.1 schnell",
    "flux1",
    "flux-1-schnell",
    FlowTimes("logit-normal", 1.0, 1.0),
    ("double_blocks", "single_blocks"),
    _FLUX_LAYERS,
    _txt_in,
    attention=r"attn|linear1$",
    picture_scale=1.0,
    in_place=True,
    always_distilled=True,
    distilled="Choose the training adapter made for it under training_adapter of LoRA Network, or train on Flux.1 dev",
)
CHROMA = Family(
    "Chroma",
    "chroma",
    "chroma",
    FlowTimes("logit-normal", 3.0, _FLUX_SHIFT),
    ("double_blocks", "single_blocks"),
    _FLUX_LAYERS,
    _txt_in,
    attention=r"attn|linear1$",
    guidance=0.0,
    picture_guidance=0.0,
    in_place=True,
    distilled="Train on Chroma1-Base or Chroma1-HD",
    few_steps=r"flash|turbo|[48][-_ ]?steps?",
)
FLUX2 = Family(
    "Flux.2",
    "flux2",
    "flux-2",
    FlowTimes("by resolution", 3.0, 7.54, patch=1),  # e^2.02
    ("double_blocks", "single_blocks"),
    _FLUX_LAYERS,
    _txt_in,
    attention=r"attn|linear1$",
    guidance=1.0,
    picture_guidance=4.0,
    picture_scale=4.0,
    in_place=True,
    distilled="Train on FLUX.2 klein base, of which klein is the distilled form",
    few_steps=r"klein(?!.*base)|turbo|distill|[48][-_ ]?steps?",
)
SD3 = Family(
    "SD3.5",
    "sd3",
    "stable-diffusion-v3-5",
    FlowTimes("logit-normal", 3.0, 3.0),
    ("joint_blocks",),
    r"joint_blocks\.\d+\.(x_block|context_block)\.(attn2?\.(qkv|proj)|mlp\.fc[12])",
    _context_embedder,
    distilled="Train on SD3.5 medium or large",
)
LUMINA2 = Family(
    "Lumina 2",
    "lumina2",
    "lumina-2",
    FlowTimes("shifted", 6.0, 6.0),
    ("noise_refiner", "context_refiner", "layers"),
    _LUMINA_LAYERS,
    _caption_embedder,
)
Z_IMAGE = Family(
    "Z-Image",
    "zimage",
    "z-image",
    FlowTimes("logit-normal", 3.0, 3.0),
    ("noise_refiner", "context_refiner", "layers"),
    _LUMINA_LAYERS,
    _caption_embedder,
    distilled="Train on Z-Image base, or choose the training adapter made for turbo under training_adapter of LoRA "
    "Network",
)
QWEN_IMAGE = Family(
    "Qwen-Image",
    "qwen_image",
    "qwen-image",
    FlowTimes("by resolution", 2.2, _FLUX_SHIFT, ResolutionShift((256, 0.5), (8192, 0.9))),
    ("transformer_blocks",),
    r"transformer_blocks\.\d+\.(attn\.(to_[qkv]|add_[qkv]_proj|to_out\.0|to_add_out)|(img|txt)_mlp\.net\.(0\.proj|2))",
    _txt_in,
    dead_end=r"attn\.(add_q_proj|to_add_out)|txt_mlp",
)
KREA2 = Family(
    "Krea 2",
    "krea2",
    "krea-2",
    FlowTimes("by resolution", 3.0, _FLUX_SHIFT, ResolutionShift((256, 0.5), (6400, 1.15))),
    ("blocks",),
    r"blocks\.\d+\.(attn\.(w[qkvo]|gate)|mlp\.(gate|up|down))",
    _fused_layers,
    distilled="Train on Krea 2 raw",
)
ANIMA = Family(
    "Anima",
    "anima",
    "anima",
    FlowTimes("logit-normal", 3.0, 3.0),
    ("blocks",),
    r"blocks\.\d+\.((self|cross)_attn\.(q|k|v|output)_proj|mlp\.layer[12])",
    _adapter,
    cross_attention="cross_attn",
    text_in_model=True,
)

# By the exact class: the classes made of these take other inputs (edits, inpainting, video, pixels).
_OF_CLASS = {
    comfy.supported_models.Flux: FLUX,
    comfy.supported_models.FluxSchnell: SCHNELL,
    comfy.supported_models.Flux2: FLUX2,
    comfy.supported_models.Chroma: CHROMA,
    comfy.supported_models.SD3: SD3,
    comfy.supported_models.Lumina2: LUMINA2,
    comfy.supported_models.ZImage: Z_IMAGE,
    comfy.supported_models.QwenImage: QWEN_IMAGE,
    comfy.supported_models.Krea2: KREA2,
    comfy.supported_models.Anima: ANIMA,
}
FAMILIES = tuple(_OF_CLASS.values())


def flow_family(model: Model) -> Family | None:
    """The family of a MODEL; None for UNets, and for transformers that are none of the families above."""
    return family_of_config(model.model.model_config)


def family_of_config(config: Any) -> Family | None:
    """The family by the host's configuration of a model; None for UNets, and for transformers of none of them."""
    family = _OF_CLASS.get(type(config))
    if family in (FLUX, SCHNELL) and config.unet_config.get("yak_mlp"):  # Ovis-Image, which is built like Flux
        return None
    return family


def foreign_flow_sampling(model: Model) -> str:
    """By its class, the kind of sampling of a MODEL whose prediction is not a flow's velocity, else ""."""
    sampling = model.get_model_object("model_sampling")
    kinds = comfy.model_sampling
    flows = kinds.ModelSamplingDiscreteFlow | kinds.ModelSamplingFlux
    if isinstance(sampling, flows) and isinstance(sampling, kinds.CONST) and getattr(sampling, "noise_scale", 1) == 1:
        return ""
    return type(sampling).__mro__[1].__name__


def extra_flow_channels(model: Model) -> int:
    """How many channels a MODEL takes beyond the latent's, such as those of Flux Fill or a control LoRA."""
    config = model.model.model_config
    channels = config.unet_config.get("in_channels", config.unet_config.get("channels"))
    taken = config.latent_format.latent_channels
    packed = {taken * 4} if type(config) in (comfy.supported_models.Chroma, comfy.supported_models.QwenImage) else set()
    return 0 if channels is None or channels in {taken, *packed} else channels - taken


def loaded_file_name(model: Model) -> str:
    """The name of the file that a MODEL was loaded from, "" if that is not known."""
    loaded = getattr(model, "cached_patcher_init", None)
    path = loaded[1][0] if loaded and loaded[1] else ""
    return Path(path).name if isinstance(path, str) else ""


def distillation_note(model: Model, family: Family, adapter: str) -> str:
    """What to know before a checkpoint of few steps is trained, "" for others. adapter: the chosen training adapter."""
    return "" if adapter else distilled_file_note(loaded_file_name(model), family)


def distilled_file_note(name: str, family: Family) -> str:
    """What to know before a checkpoint of few steps is trained, by its file's name ("" if unknown); "" for others."""
    few = family.always_distilled or bool(family.distilled and re.search(family.few_steps, name, re.IGNORECASE))
    if not few:
        return ""
    return (
        f"{name or family.name} was distilled to sample in few steps, and plain training takes that away: pictures "
        f"turn to noise or need 30 steps. {family.distilled}."
    )
