"""What the trainer needs of ComfyUI beyond its public API: facts about a MODEL, its UNet, and LoRA key names."""

import copy
import hashlib
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any

import comfy.latent_formats
import comfy.ldm.modules.attention
import comfy.lora
import comfy.model_sampling
import comfy.ops
import comfy.sd
import comfy.supported_models
import comfy.utils
import torch
from comfy.ldm.modules.attention import BasicTransformerBlock
from comfy.ldm.modules.diffusionmodules.openaimodel import ResBlock, UNetModel

from ..training.memory.plan import MemoryPlan
from .architecture import passable_by_autograd
from .frozen_weights import DENOISER, GivenWeights, fill
from .protocols import Clip, Model, Patcher
from .weights import for_autograd, patched, weights_of


@dataclass(frozen=True)
class UNetFacts:
    """family is "SD1", "SD2" or "SDXL", prediction "eps" or "v"; sigmas (T,) is noise over signal per timestep."""

    family: str
    prediction: str
    sigmas: torch.Tensor


_FAMILIES = {
    "SD1": comfy.supported_models.SD15,
    "SD2": comfy.supported_models.SD20,
    "SDXL": comfy.supported_models.SDXL,
}


def unet_facts(model: Model) -> UNetFacts | None:
    """What a MODEL is, if it is a text-to-image UNet of the families above; None for every other model."""
    config = model.model.model_config
    family = next((name for name, kind in _FAMILIES.items() if isinstance(config, kind)), None)
    sampling = model.get_model_object("model_sampling")
    if family is None or foreign_sampling(model) or extra_channels(model):
        return None
    prediction = "v" if isinstance(sampling, comfy.model_sampling.V_PREDICTION) else "eps"
    return UNetFacts(family, prediction, sampling.sigmas.clone())


def known_unet_facts(model: Model) -> UNetFacts:
    """The same of a MODEL that is one of these: others are refused before anything else is asked of them."""
    facts = unet_facts(model)
    assert facts is not None
    return facts


def is_of_known_family(model: Model) -> bool:
    """Whether a MODEL's architecture is one of the families above, whatever it takes and predicts."""
    return isinstance(model.model.model_config, tuple(_FAMILIES.values()))


def context_width(model: Model) -> int:
    """The width of the text embeddings that a MODEL's UNet takes."""
    return model.model.model_config.unet_config["context_dim"]


def foreign_sampling(model: Model) -> str:
    """By its class, the kind of sampling of a MODEL that is neither discrete noise nor velocity prediction, else ""."""
    kinds = comfy.model_sampling
    plain = {kinds.ModelSamplingDiscrete, kinds.EPS, kinds.V_PREDICTION, torch.nn.Module, object}
    made_up = ("ModelSampling", "ModelSamplingAdvanced")  # what the host calls the classes that it puts together
    bases = type(model.get_model_object("model_sampling")).__mro__
    foreign = [kind.__name__ for kind in bases if kind not in plain and kind.__name__ not in made_up]
    if foreign or kinds.ModelSamplingDiscrete not in bases or kinds.EPS not in bases:
        return " with ".join(foreign) or bases[0].__name__
    return ""


def extra_channels(model: Model) -> int:
    """How many channels a MODEL's UNet takes beyond the latent's, such as the five of an inpainting checkpoint."""
    config = model.model.model_config
    return config.unet_config.get("in_channels", 0) - config.latent_format.latent_channels


def unused_patches(model: Model) -> list[str]:
    """What was patched into a MODEL for sampling, in words; training goes by its weights and its noise schedule."""
    options = dict(model.model_options)
    inside = options.pop("transformer_options", {})
    parts = [key for key in model.object_patches if key != "model_sampling"]
    named = [f"{name} of {key}" for key in ("patches", "patches_replace", "wrappers") for name in inside.get(key, {})]
    changed = [f"{len(parts)} parts of the UNet put in place of others"] if parts else []
    return [*changed, *named, *(key for key, value in options.items() if value and callable(value))]


def model_kind(model: Model) -> str:
    """The host's name for the architecture of a MODEL, for messages."""
    return type(model.model.model_config).__name__


def unet_skeleton(model: Model, dtype: torch.dtype) -> torch.nn.Module:
    """A UNet of a MODEL's build on the meta device, without weights."""
    config = {**model.model.model_config.unet_config, "dtype": dtype}
    unet = UNetModel(**config, device="meta", operations=comfy.ops.disable_weight_init)
    for own, given in zip(unet.modules(), model.model.diffusion_model.modules(), strict=True):
        if isinstance(own, torch.nn.GroupNorm) and isinstance(given, torch.nn.GroupNorm):
            own.num_groups = given.num_groups  # small models have fewer, and no configuration says so
    return unet


def unet_for_training(
    model: Model, device: torch.device, dtype: torch.dtype, plan: MemoryPlan | None = None
) -> torch.nn.Module:
    """A frozen UNet of a MODEL's weights and patches that autograd can pass through, apart from the MODEL's own.

    Weights that already are on `device` in `dtype` are shared, not copied; `plan` says which are kept otherwise. Call
    it outside inference mode.
    """
    unet = unet_skeleton(model, dtype)
    fill(unet, GivenWeights(model, unet, device, dtype), unet_blocks(unet), plan or MemoryPlan())
    return unet.requires_grad_(False).eval()


def unet_blocks(unet: torch.nn.Module) -> list[torch.nn.Module]:
    """The transformer and residual blocks of a UNet, in the order in which they run."""
    return [block for block in unet.modules() if isinstance(block, BasicTransformerBlock | ResBlock)]


def network_digest(patcher: Patcher, *facts: object, without: Container[str] = ()) -> str:
    """Differs for two networks that could give different results, and for other `facts`.

    It covers the network's build, its weights with their patches but those `without`, and the parts that were put in
    place of others.
    """
    digest = hashlib.blake2b(repr((facts, patcher.model, sorted(patcher.object_patches.items()))).encode())
    for key, entry in sorted(weights_of(patcher).items()):
        if key in without:
            continue
        value = patched(entry, key, torch.device("cpu")).detach().cpu().contiguous()
        digest.update(f"{key} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


TextEncode = Callable[[dict], tuple[torch.Tensor, torch.Tensor | None]]
"""tokens -> context (1, L, D) and pooled output (1, P)"""


def last_layer(clip: Clip, clip_skip: int) -> int | None:
    """The layer of a CLIP that is used, counted from the end as -1, -2, ...; None for its own.

    A `clip_skip` above 1 decides it, else what CLIP Set Last Layer said of this CLIP.
    """
    return -clip_skip if clip_skip > 1 else clip.layer_idx


# Only SDXL's vector takes a pooled output, that of CLIP-G. Files lack the others' projections, and the host leaves them
# what the memory held: each time another one.
_UNUSED_PROJECTIONS = [f"clip_{kind}.transformer.text_projection.weight" for kind in ("l", "h")]


def text_encoder_digest(clip: Clip, clip_skip: int) -> str:
    """Differs for two CLIPs that could encode a caption otherwise: weights, LoRAs on them, last layer, options."""
    facts = (last_layer(clip, clip_skip), sorted(clip.tokenizer_options.items()))
    return network_digest(clip.patcher, *facts, without=_UNUSED_PROJECTIONS)


def text_encoding(clip: Clip, clip_skip: int) -> TextEncode:
    """A CLIP as a function, leaving out its last layers as `last_layer` says."""
    clip = clip.clone()
    clip.clip_layer(last_layer(clip, clip_skip))
    return lambda tokens: clip.encode_from_tokens(tokens, return_pooled=True)


def text_encoders_for_training(clip: Clip, device: torch.device) -> torch.nn.Module:
    """The frozen text encoders of a CLIP's weights and patches that autograd can pass through, apart from its own.

    Weights that already are on `device` are shared, not copied. Call it outside inference mode.
    """
    stage = clip.cond_stage_model
    weights = {key: patched(entry, key, device) for key, entry in weights_of(clip.patcher).items()}
    memo: dict[int, Any] = {id(value): for_autograd(value.to(device)) for value in stage.buffers()}
    for key, parameter in stage.named_parameters():
        memo[id(parameter)] = torch.nn.Parameter(for_autograd(weights[key].to(device)), requires_grad=False)
    for layer in stage.modules():  # the host's places on the device belong to its own copy
        memo.update({id(value): None for name, value in vars(layer).items() if name in ("_v", "_pin_state")})
    return passable_by_autograd(copy.deepcopy(stage, memo).eval())


def trained_text_encoding(stage: Any, layer: int | None, device: torch.device) -> TextEncode:
    """The text encoders of `text_encoders_for_training` as a function that autograd can pass through.

    layer is the one that is used (`last_layer`).
    """

    def encode(tokens: dict) -> tuple[torch.Tensor, torch.Tensor | None]:
        stage.reset_clip_options()
        stage.set_clip_options({"execution_device": device})
        if layer is not None:
            stage.set_clip_options({"layer": layer})
        context, pooled = stage.encode_token_weights(tokens)[:2]
        return context, pooled

    return encode


def kohya_text_names(clip: Clip) -> dict[str, str]:
    """Kohya's name of each layer of a CLIP's text encoders, by its path: `lora_te_...`, for two `lora_te1_...`."""
    keys = comfy.lora.model_lora_keys_clip(clip.cond_stage_model, {})
    two = len({key.split(".")[0] for key in keys.values() if key.startswith("clip_")}) > 1
    prefixes = ("lora_te1_text_model", "lora_te2_text_model") if two else ("lora_te_text_model",)
    return {key.removesuffix(".weight"): name for name, key in keys.items() if name.startswith(prefixes)}


def kohya_names(model: Model) -> dict[str, str]:
    """Kohya's name of each layer of a MODEL's UNet, by its path in the UNet.

    Kohya names SD1 and SD2 layers as diffusers does (`down_blocks_0_...`), SDXL layers as the checkpoint does.
    """
    keys = comfy.lora.model_lora_keys_unet(model.model, {})
    native = {key: f"lora_unet_{_path(key).replace('.', '_')}" for key in keys.values() if key.endswith(".weight")}
    diffusers = {key: name for name, key in keys.items() if name.startswith("lora_unet_") and name != native.get(key)}
    facts = unet_facts(model)
    names = native if facts and facts.family == "SDXL" else {**native, **diffusers}
    return {_path(key): name for key, name in names.items()}


def _path(key: str) -> str:
    return key.removeprefix(DENOISER).removesuffix(".weight")


def model_conditioning(
    model: Model, cond: torch.Tensor, pooled: torch.Tensor | None, width: int, height: int
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """What the UNet takes for an encoded text: the context (1, L, D), and SDXL's vector (1, A) or None."""
    device = torch.device("cpu")
    parts = model.model.extra_conds(
        cross_attn=cond, pooled_output=pooled, width=width, height=height, device=device, prompt_type="positive"
    )
    vector = parts["y"].cond if "y" in parts else None
    return parts["c_crossattn"].cond, vector


SDPA = {
    "optimized_attention_override": lambda _chosen, *args, **kwargs: comfy.ldm.modules.attention.attention_pytorch(
        *args, **kwargs
    )
}
"""Transformer options for PyTorch's fused attention; without a GPU the host would choose a slower one."""


def with_lora(
    model: Model, clip: Clip, lora: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None
) -> tuple[Model, Clip]:
    """Clones of MODEL and CLIP with a LoRA at full strength, as the host's own loader applies it."""
    return comfy.sd.load_lora_for_models(model, clip, dict(lora), 1.0, 1.0, lora_metadata=dict(metadata or {}) or None)
