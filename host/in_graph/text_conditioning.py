"""Captions as the denoiser takes them: each is encoded once by the host's CLIP, unless that is being trained."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import comfy.model_management
import torch

from ...training.config import ObjectiveConfig, TrainingConfig
from ...training.data import Conditioning, Example
from ...training.tensor_cache import kept
from .. import training as host_training
from .latents import for_autograd, kept_folder

REMEMBERED = 4096  # encoded captions at once; shuffling makes new ones without end


def text_encoder(
    model: Any, clip: Any, examples: Sequence[Example], config: TrainingConfig, device: torch.device
) -> tuple["Texts", dict[str, torch.nn.Module]]:
    """What encodes the captions of a run, and by kohya's names those of its layers that are trained.

    Where none is, every caption is encoded now, so that the text encoder is off the device before the UNet comes.
    """
    objective = config.objective
    if config.network.text_encoder:
        stage = host_training.text_encoders_for_training(clip, device)
        encode = host_training.trained_text_encoding(stage, objective.clip_skip, device)
        names = host_training.kohya_text_names(clip)
        layers = {names[path]: layer for path, layer in stage.named_modules() if path in names}
        return Texts(model, clip, encode, objective, device, remember=False), layers
    encode = host_training.text_encoding(clip, objective.clip_skip)
    texts = Texts(model, clip, encode, objective, device, folder=kept_folder(config))
    for caption, size in sorted(_captions(examples, config)):
        comfy.model_management.throw_exception_if_processing_interrupted()
        texts([caption], [size])
    return texts, {}


def _captions(examples: Sequence[Example], config: TrainingConfig) -> set[tuple[str, tuple[int, int]]]:
    """Every caption that steps, measurements and samples ask for; shuffled ones only come up in their step."""
    asked = {(example.caption, example.size) for example in examples}
    if config.objective.caption_dropout:
        asked |= {("", example.size) for example in examples}
    if config.saving.sample_every:
        square = (config.resolution, config.resolution)
        asked |= {(prompt, square) for prompt in ["", *config.saving.sample_prompts()]}
    return asked


class Texts:
    """The trainer's text encoder: captions through `encode` and into what the denoiser is told.

    encode takes tokens and gives context and pooled output. Unless it is being trained, each caption is encoded
    once and remembered on `device`, and kept in `folder` for later runs if there is one.
    """

    def __init__(
        self,
        model: Any,
        clip: Any,
        encode: host_training.TextEncode,
        objective: ObjectiveConfig,
        device: torch.device,
        remember: bool = True,
        folder: Path | None = None,
    ) -> None:
        self.model, self.clip, self.encode = model, clip, encode
        self.chunks = objective.max_tokens // 75
        self.device = device
        self.remember = remember
        self.folder = folder
        self.network = (host_training.network_digest(clip.patcher), objective.clip_skip) if folder else ()
        self._remembered: dict[tuple[str, tuple[int, int]], Conditioning] = {}

    def __call__(self, captions: Sequence[str], sizes: Sequence[tuple[int, int]]) -> Conditioning:
        rows = [self._row(caption, size) for caption, size in zip(captions, sizes, strict=True)]
        return Conditioning.stack(rows)

    def _row(self, caption: str, size: tuple[int, int]) -> Conditioning:
        if not self.remember:
            return self._told(*self.encode(self._tokens(caption)), size)
        if (caption, size) not in self._remembered:
            if len(self._remembered) == REMEMBERED:
                self._remembered.clear()
            with torch.inference_mode():
                row = self._told(*self._encoded_once(caption), size)
            vector = None if row.vector is None else for_autograd(row.vector, self.device)
            self._remembered[caption, size] = Conditioning(for_autograd(row.context, self.device), vector)
        return self._remembered[caption, size]

    def _tokens(self, caption: str) -> dict[str, list]:
        # Without weights: brackets in a caption are words here, not emphasis.
        tokens = self.clip.tokenize(caption, disable_weights=True)
        return {encoder: chunks[: self.chunks] for encoder, chunks in tokens.items()}

    def _encoded_once(self, caption: str) -> tuple[torch.Tensor, torch.Tensor | None]:
        tokens = self._tokens(caption)

        def make() -> dict[str, torch.Tensor]:
            context, pooled = self.encode(tokens)
            return {"context": context} if pooled is None else {"context": context, "pooled": pooled}

        # An embedding from a file is a tensor among the tokens, which no name on a disk could stand for.
        plain = all(isinstance(token[0], int) for chunks in tokens.values() for chunk in chunks for token in chunk)
        tensors = kept(self.folder if plain else None, ("text", *self.network, tokens), make)
        return tensors["context"], tensors.get("pooled")

    def _told(self, context: torch.Tensor, pooled: torch.Tensor | None, size: tuple[int, int]) -> Conditioning:
        return Conditioning(*host_training.model_conditioning(self.model, context, pooled, *size))
