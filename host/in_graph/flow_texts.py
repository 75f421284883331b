"""Captions as a flow transformer takes them: each encoded whole by the host's CLIP, as for its sampler."""

from collections.abc import Sequence

import comfy.model_management
import torch

from ...common.errors import InputError
from ...training.config import TrainingConfig
from ...training.data import Example
from ...training.exported_run import Row
from ...training.tensor_cache import kept
from ...training.text_rows import TextRows
from ..flow.families import Family
from ..flow.trainable import sampling_mode
from ..protocols import Clip, Model, Tokens
from .latents import autograd_copy, kept_folder
from .text_conditioning import Texts, captions_asked_for

_NOT_TEXT = ("guidance", "denoise_mask")  # what the denoiser itself tells, or nothing in training


class FlowTexts(Texts):
    """The trainer's text encoder for `family`. Nothing is cut, padded or repeated here."""

    stack = staticmethod(TextRows.stack)

    def __init__(self, model: Model, clip: Clip, family: Family, config: TrainingConfig, device: torch.device) -> None:
        super().__init__(model, clip, clip.encode_from_tokens, config.objective, device, folder=kept_folder(config))
        self.family = family

    def is_cut(self, caption: str) -> bool:
        return False

    def _tokens(self, caption: str) -> dict[str, list]:
        return plain_tokens(self.clip, caption)

    def _encoded(self, row: Row) -> TextRows:
        with torch.inference_mode(), sampling_mode():
            encoded = self._encoded_whole(row[0])
            tensors = self._told(encoded)
        cpu = torch.device("cpu")
        return TextRows(({name: _copied(value, cpu) for name, value in tensors.items()},))

    def _encoded_whole(self, caption: str) -> dict[str, torch.Tensor]:
        tokens = self._tokens(caption)

        def make() -> dict[str, torch.Tensor]:
            encoded = self.clip.encode_from_tokens(tokens, return_pooled=True, return_dict=True)
            return {name: value for name, value in encoded.items() if isinstance(value, torch.Tensor)}

        plain = all(isinstance(token[0], int) for chunks in tokens.values() for chunk in chunks for token in chunk)
        return kept(self.folder if plain else None, ("flow text", self.network, tokens), make)

    def _told(self, encoded: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """What the host's sampler makes of an encoded text, by the names that the network takes it under."""
        device = torch.device("cpu")
        if self.family.text_in_model:
            comfy.model_management.load_models_gpu([self.model])
            device = self.model.load_device
        others = {name: value for name, value in encoded.items() if name != "cond"}
        noise = torch.zeros(1, self.model.model.latent_format.latent_channels, 2, 2)  # only its shape is looked at
        conds = self.model.model.extra_conds(
            cross_attn=encoded["cond"], device=device, noise=noise, prompt_type="positive", **others
        )
        tensors = {name: cond.cond for name, cond in conds.items() if isinstance(cond.cond, torch.Tensor)}
        tensors["context"] = tensors.pop("c_crossattn")
        return {name: value for name, value in tensors.items() if name not in _NOT_TEXT}


def plain_tokens(clip: Clip, caption: str) -> Tokens:
    """The tokens of a caption whose brackets are words, not emphasis.

    Tokenizers that put a caption into a template read no emphasis anyway, and fail when they are told so twice.
    """
    if hasattr(clip.tokenizer, "llama_template"):
        return clip.tokenize(caption)
    return clip.tokenize(caption, disable_weights=True)


def _copied(value: torch.Tensor, device: torch.device) -> torch.Tensor:
    """As `autograd_copy`; whole numbers, such as a mask's, stay what they are."""
    if value.is_floating_point():
        return autograd_copy(value, device)
    with torch.inference_mode(False):
        return value.to(device, copy=True)


def flow_texts(
    model: Model, clip: Clip, family: Family, examples: Sequence[Example], config: TrainingConfig, device: torch.device
) -> FlowTexts:
    """What encodes the captions of a run. Every one is encoded now: later the text encoder is off the device."""
    texts = FlowTexts(model, clip, family, config, device)
    texts.encode_all(captions_asked_for(examples, config))
    return texts


def check_flow_clip(model: Model, clip: Clip, family: Family) -> None:
    """Raise `InputError` for a CLIP whose embeddings the model cannot take."""
    encoded = clip.encode_from_tokens(plain_tokens(clip, ""))
    wanted = family.text_width(model.model.diffusion_model)
    if encoded.shape[-1] != wanted:
        raise InputError(
            f"The CLIP makes embeddings of {encoded.shape[-1]} numbers, but the model, {family.name}, takes {wanted}. "
            f"Load the text encoder of {family.name} with Load CLIP (its type chosen to match) and connect it."
        )
