"""What the trainer needs of the host beyond its public API: facts about a MODEL, its UNet, and LoRA names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import comfy.ldm.modules.attention
import comfy.ldm.modules.diffusionmodules.openaimodel
import comfy.lora
import comfy.model_sampling
import comfy.ops
import comfy.sd
import comfy.supported_models
import comfy.utils
import torch


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
_UNET = "diffusion_model."


def unet_facts(model: Any) -> UNetFacts | None:
    """What a MODEL is, if it is a text-to-image UNet of the families above; None for every other model."""
    config = model.model.model_config
    family = next((name for name, kind in _FAMILIES.items() if isinstance(config, kind)), None)
    sampling = model.get_model_object("model_sampling")
    kinds = comfy.model_sampling
    if isinstance(sampling, kinds.X0 | kinds.EDM) or not isinstance(sampling, kinds.ModelSamplingDiscrete):
        return None
    if family is None or config.unet_config["in_channels"] != config.latent_format.latent_channels:
        return None
    prediction = "v" if isinstance(sampling, kinds.V_PREDICTION) else "eps"
    return UNetFacts(family, prediction, sampling.sigmas.clone())


def model_kind(model: Any) -> str:
    """The host's name for the architecture of a MODEL, for messages."""
    return type(model.model.model_config).__name__


def unet_for_training(model: Any, device: torch.device, dtype: torch.dtype) -> torch.nn.Module:
    """A frozen UNet of a MODEL's weights and patches that autograd can pass through, apart from the MODEL's own.

    Weights that already are on `device` in `dtype` are shared, not copied. Call it outside inference mode.
    """
    config = {**model.model.model_config.unet_config, "dtype": dtype}
    kind = comfy.ldm.modules.diffusionmodules.openaimodel.UNetModel
    unet = kind(**config, device="meta", operations=comfy.ops.disable_weight_init)
    for key, (weight, *patches) in model.get_key_patches(_UNET).items():
        value, convert = weight
        if patches:
            full = convert(value.to(device, torch.float32, copy=True), inplace=True)
            value = comfy.lora.calculate_weight(patches, full, key)
        comfy.utils.set_attr_param(unet, key.removeprefix(_UNET), _for_autograd(value.to(device, dtype)))
    return unet.requires_grad_(False).eval()


def _for_autograd(tensor: torch.Tensor) -> torch.Tensor:
    # Weights loaded under inference mode cannot be saved for backward; a tensor on the same storage can.
    storage = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
    return storage.set_(tensor.untyped_storage(), tensor.storage_offset(), tensor.shape, tensor.stride())


def kohya_names(model: Any) -> dict[str, str]:
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
    return key.removeprefix(_UNET).removesuffix(".weight")


def model_conditioning(
    model: Any, cond: torch.Tensor, pooled: torch.Tensor | None, width: int, height: int
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """What the UNet takes for an encoded text: the context (1, L, D), and SDXL's vector (1, A) or None."""
    device = torch.device("cpu")
    parts = model.model.extra_conds(
        cross_attn=cond, pooled_output=pooled, width=width, height=height, device=device, prompt_type="positive"
    )
    vector = parts["y"].cond if "y" in parts else None
    return parts["c_crossattn"].cond, vector


def scale_latents(model: Any, latents: torch.Tensor) -> torch.Tensor:
    """VAE latents in the scale that the denoiser works in."""
    return model.get_model_object("latent_format").process_in(latents)


SDPA = {
    "optimized_attention_override": lambda _chosen, *args, **kwargs: comfy.ldm.modules.attention.attention_pytorch(
        *args, **kwargs
    )
}
"""Transformer options for PyTorch's fused attention; without a GPU the host would choose a slower one."""


def with_lora(model: Any, clip: Any, lora: Mapping[str, torch.Tensor]) -> tuple[Any, Any]:
    """Clones of MODEL and CLIP with a LoRA at full strength, as the host's own loader applies it."""
    return comfy.sd.load_lora_for_models(model, clip, dict(lora), 1.0, 1.0)
