"""Caption encoding: each caption is encoded once by the host's CLIP, unless the text encoder is trained."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import comfy.model_management
import torch

from ...common.map_words import map_caption
from ...training.config import ObjectiveConfig, TrainingConfig
from ...training.data import Conditioning, Example
from ...training.exported_run import Row
from ...training.material_sets import material_sets
from ...training.tensor_cache import kept
from ...training.text_rows import TextConditioning
from .. import training as host_training
from ..protocols import Clip, Model
from .latents import autograd_copy, kept_folder

SHUFFLED = 4096  # encoded captions in another order that are remembered: they come up without end


def text_encoder(
    model: Model, clip: Clip, examples: Sequence[Example], config: TrainingConfig, device: torch.device
) -> tuple["Texts", dict[str, torch.nn.Module]]:
    """What encodes the captions of a run, and by kohya's names those of its layers that are trained.

    Where none is, every caption is encoded now, so that the text encoder is off the device before the UNet comes.
    """
    objective = config.objective
    if config.network.text_encoder:
        stage = host_training.text_encoders_for_training(clip, device)
        layer = host_training.last_layer(clip, objective.clip_skip)
        encode = host_training.trained_text_encoding(stage, layer, device)
        names = host_training.kohya_text_names(clip)
        layers = {names[path]: module for path, module in stage.named_modules() if path in names}
        return Texts(model, clip, encode, objective, device, remember=False), layers
    encode = host_training.text_encoding(clip, objective.clip_skip)
    texts = Texts(model, clip, encode, objective, device, folder=kept_folder(config))
    texts.encode_all(captions_asked_for(examples, config))
    return texts, {}


def captions_asked_for(examples: Sequence[Example], config: TrainingConfig) -> set[Row]:
    """Every caption that steps, measurements and samples ask for; shuffled ones only come up in their step."""
    asked = {(example.caption, example.size) for example in examples}
    if config.objective.caption_dropout:
        asked |= {(example.map_word if config.objective.is_together else "", example.size) for example in examples}
    if config.saving.sample_every:
        square = (config.resolution, config.resolution)
        rows = [
            rows for prompt in ["", *config.saving.sample_prompts()] for rows in sampled_rows(prompt, examples, config)
        ]
        asked |= {(row, square) for row in rows}
    return asked


def sampled_rows(prompt: str, examples: Sequence[Example], config: TrainingConfig) -> list[str]:
    """What a picture on the way is made of: the prompt, or for each map of the first material that prompt of its own.

    "" gives what they are guided away from.
    """
    if not config.objective.is_together:
        return [prompt]
    units = material_sets(examples)
    return [map_caption(examples[index].map, prompt) if examples[index].map else prompt
            for index in max(units, key=len)]  # fmt: skip


class Texts:
    """The trainer's text encoder: captions through `encode` to context and vector, on `device`.

    encode takes tokens and gives context and pooled output. Unless it is being trained, each caption is encoded once
    and remembered in the CPU's memory, and kept in `folder` for later runs if there is one. stack makes one batch of
    several captions.
    """

    stack: Callable[[Sequence[Any]], Any] = staticmethod(Conditioning.stack)

    def __init__(
        self,
        model: Model,
        clip: Clip,
        encode: host_training.TextEncode,
        objective: ObjectiveConfig,
        device: torch.device,
        remember: bool = True,
        folder: Path | None = None,
    ) -> None:
        self.model, self.clip, self.encode = model, clip, encode
        self.chunks = objective.max_tokens // 75
        self.device, self.remember, self.folder = device, remember, folder
        self.network = host_training.text_encoder_digest(clip, objective.clip_skip) if folder else ""
        self._own: dict[Row, TextConditioning] = {}
        self._shuffled: OrderedDict[Row, TextConditioning] = OrderedDict()

    def __call__(self, captions: Sequence[str], sizes: Sequence[tuple[int, int]]) -> TextConditioning:
        rows = list(zip(captions, sizes, strict=True))
        if not self.remember:
            return self.stack([self._conditioning(*self.encode(self._tokens(row[0])), row) for row in rows])
        return self.stack([self._remembered(row) for row in rows]).moved(self.device)

    def encode_all(self, rows: set[Row]) -> None:
        """Encode captions now and remember them to the end."""
        for row in sorted(rows):
            comfy.model_management.throw_exception_if_processing_interrupted()
            self._own[row] = self._encoded(row)

    def is_cut(self, caption: str) -> bool:
        """Whether a caption has more tokens than are used."""
        return any(len(chunks) > self.chunks for chunks in self.clip.tokenize(caption, disable_weights=True).values())

    def _remembered(self, row: Row) -> TextConditioning:
        if row in self._own:
            return self._own[row]
        if row not in self._shuffled:
            self._shuffled[row] = self._encoded(row)
            if len(self._shuffled) > SHUFFLED:
                self._shuffled.popitem(last=False)
        self._shuffled.move_to_end(row)
        return self._shuffled[row]

    def _encoded(self, row: Row) -> TextConditioning:
        with torch.inference_mode():
            made = self._conditioning(*self._encoded_once(row[0]), row)
        cpu = torch.device("cpu")
        vector = None if made.vector is None else autograd_copy(made.vector, cpu)
        return Conditioning(autograd_copy(made.context, cpu), vector)

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
        tensors = kept(self.folder if plain else None, ("text", self.network, tokens), make)
        return tensors["context"], tensors.get("pooled")

    def _conditioning(self, context: torch.Tensor, pooled: torch.Tensor | None, row: Row) -> Conditioning:
        return Conditioning(*host_training.model_conditioning(self.model, context, pooled, *row[1]))
