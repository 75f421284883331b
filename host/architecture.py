"""Latent diffusion models of SD1's kind at any size, out of the host's own classes."""

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any, TypeVar

import comfy.ldm.models.autoencoder
import comfy.ldm.modules.diffusionmodules.openaimodel
import comfy.model_management
import comfy.model_patcher
import comfy.model_sampling
import comfy.ops
import comfy.sd
import comfy.sd1_clip
import comfy.supported_models
import comfy.supported_models_base
import torch
from comfy.clip_model import CLIPLayer

Network = TypeVar("Network", bound=torch.nn.Module)


class SD1Architecture:
    """A latent diffusion model of SD1's kind at any size: the stock checkpoint loader knows only the full one.

    unet, text_encoder and autoencoder are the configurations that the host's own classes take. State dicts use the
    key names of an SD1 checkpoint (`model.diffusion_model.`, `cond_stage_model.transformer.`, `first_stage_model.`).
    norm_groups is how many groups its group norms have; SD1's 32 groups need its 320 channels: on 32 channels they
    would take each channel's mean away, and with it the colour of the image.
    """

    def __init__(
        self,
        unet: Mapping[str, Any],
        text_encoder: Mapping[str, Any],
        autoencoder: Mapping[str, Any],
        norm_groups: int = 32,
    ) -> None:
        self.unet = dict(unet)
        self.text_encoder = dict(text_encoder)
        self.autoencoder = dict(autoencoder)
        self.norm_groups = norm_groups

    def networks(self) -> torch.nn.ModuleDict:
        """The bare networks in float32 on the CPU, with weights yet to be filled, every one of them to be trained."""
        unet = comfy.ldm.modules.diffusionmodules.openaimodel.UNetModel(
            **self.unet, dtype=torch.float32, operations=comfy.ops.manual_cast
        )
        text = comfy.sd1_clip.SD1ClipModel(dtype=torch.float32, model_options=self._text_options())
        vae = comfy.ldm.models.autoencoder.AutoencoderKL(**self.autoencoder)
        transformer = passable_by_autograd(text.clip_l.transformer)
        networks = torch.nn.ModuleDict({"unet": unet, "text_encoder": transformer, "autoencoder": vae})
        return self._regrouped(networks).requires_grad_(True)  # the host freezes its text encoders

    def sigmas(self) -> torch.Tensor:
        """(1000,) the ratio of noise to signal at each timestep."""
        return comfy.model_sampling.ModelSamplingDiscrete().sigmas

    def tokens(self, captions: Sequence[str]) -> torch.Tensor:
        """(B, 77) the numbers of the first 75 tokens of each caption, between the start and the end token."""
        numbers = [_tokenizer().tokenize_with_weights(caption)["l"][0] for caption in captions]
        return torch.tensor([[number for number, _ in tokens] for tokens in numbers])

    def load(self, state: Mapping[str, torch.Tensor]) -> tuple[Any, Any, Any]:
        """MODEL, CLIP and VAE from `state`, on the devices and in the precisions the host chooses."""
        return self._model(state), self._clip(state), self._vae(state)

    def _model(self, state: Mapping[str, torch.Tensor]) -> Any:
        config = comfy.supported_models.SD15(self.unet)
        config.unet_config.update(self.unet)  # SD15 forces its own head count
        device = comfy.model_management.get_torch_device()
        dtype = comfy.model_management.unet_dtype(supported_dtypes=config.supported_inference_dtypes)
        config.set_inference_dtype(dtype, comfy.model_management.unet_manual_cast(dtype, device))
        model = self._regrouped(config.get_model({}, device=comfy.model_management.unet_offload_device()))
        patcher = comfy.model_patcher.CoreModelPatcher(
            model, load_device=device, offload_device=comfy.model_management.unet_offload_device()
        )
        model.load_model_weights(dict(state), "model.diffusion_model.", assign=patcher.is_dynamic())
        return patcher

    def _clip(self, state: Mapping[str, torch.Tensor]) -> Any:
        target = comfy.supported_models_base.ClipTarget(comfy.sd1_clip.SD1Tokenizer, comfy.sd1_clip.SD1ClipModel)
        clip_state = comfy.supported_models.SD15(self.unet).process_clip_state_dict(dict(state))
        return comfy.sd.CLIP(target, state_dict=clip_state, model_options=self._text_options())

    def _vae(self, state: Mapping[str, torch.Tensor]) -> Any:
        prefix = "first_stage_model."
        vae_state = {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}
        vae = comfy.sd.VAE(sd=vae_state, config={"params": self.autoencoder})
        self._regrouped(vae.first_stage_model)
        return vae

    def _regrouped(self, network: Network) -> Network:
        for layer in network.modules():
            if isinstance(layer, torch.nn.GroupNorm):
                layer.num_groups = self.norm_groups
        return network

    def _text_options(self) -> dict[str, Any]:
        return {"clip_l_model_config": self.text_encoder}


def passable_by_autograd(text_encoders: Network) -> Network:
    """The same network, whose layers no longer add in place: that would overwrite what the norms keep for backward."""
    for layer in text_encoders.modules():
        if isinstance(layer, CLIPLayer):
            layer.forward = partial(_clip_layer, layer)
    return text_encoders


def _clip_layer(layer: CLIPLayer, x: torch.Tensor, mask: Any = None, optimized_attention: Any = None) -> torch.Tensor:
    x = x + layer.self_attn(layer.layer_norm1(x), mask, optimized_attention)
    return x + layer.mlp(layer.layer_norm2(x))


@cache
def _tokenizer() -> comfy.sd1_clip.SD1Tokenizer:
    return comfy.sd1_clip.SD1Tokenizer()
