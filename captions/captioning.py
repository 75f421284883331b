"""Captions from models that look at the images, batch by batch."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from ..common.errors import InputError, UnreadableImage
from ..common.texture_dataset import Sample, TextureDataset

REPLACE, BEFORE, AFTER = "replace", "before", "after"
COMBINING = [REPLACE, BEFORE, AFTER]

Describe = Callable[[list[torch.Tensor]], list[str]]
"""(3, H, W) images in 0..1 -> one caption each"""


def caption_images(
    dataset: TextureDataset, describe: Describe, batch_size: int, combining: str, checked: Callable[[int, int], None]
) -> tuple[TextureDataset, list[Sample]]:
    """The dataset captioned by `describe`, and the samples whose files could not be read, which keep their captions.

    What a person wrote stays: such images are not even looked at. combining says where new captions go: in place of the
    old ones, before or after them.
    """
    samples, unreadable = [], []
    for start in range(0, len(dataset), batch_size):
        batch = dataset.samples[start : start + batch_size]
        images = [None if one.hand_edited else _image_or_none(one, dataset.background) for one in batch]
        captions = _described(images, describe)
        unread = [sample for sample, image in zip(batch, images, strict=True) if image is None]
        unreadable += [sample for sample in unread if not sample.hand_edited]
        samples += [
            sample if caption is None else replace(sample, caption=_combined(sample.caption, caption, combining))
            for sample, caption in zip(batch, captions, strict=True)
        ]
        checked(len(samples), len(dataset))
    return replace(dataset, samples=tuple(samples)), unreadable


def blip(model: Any, processor: Any, prompt: str, max_tokens: int, beams: int) -> Describe:
    """BLIP in transformers' class BlipForConditionalGeneration; its captions begin with `prompt`."""

    @torch.inference_mode()
    def describe(images: list[torch.Tensor]) -> list[str]:
        text = {"text": [prompt] * len(images), "padding": True} if prompt else {}
        inputs = processor(images=_pixels(images), return_tensors="pt", **text).to(model.device)
        _check_length(inputs, model.config.text_config.max_position_embeddings)
        tokens = model.generate(**inputs, max_new_tokens=max_tokens, num_beams=beams, do_sample=False)
        return [caption.strip() for caption in processor.batch_decode(tokens, skip_special_tokens=True)]

    return describe


def florence(model: Any, processor: Any, task: str, max_tokens: int, beams: int) -> Describe:
    """Florence-2 in transformers' class Florence2ForConditionalGeneration; `task` is a token such as "<CAPTION>"."""

    @torch.inference_mode()
    def describe(images: list[torch.Tensor]) -> list[str]:
        text = [task] * len(images)
        inputs = processor(text=text, images=_pixels(images), return_tensors="pt", padding=True).to(model.device)
        tokens = model.generate(**inputs, max_new_tokens=max_tokens, num_beams=beams, do_sample=False)
        return [caption.strip() for caption in processor.batch_decode(tokens, skip_special_tokens=True)]

    return describe


def _check_length(inputs: Any, positions: int) -> None:
    length = inputs["input_ids"].shape[1] if "input_ids" in inputs else 0
    if length >= positions:
        raise InputError(f"prompt has {length} tokens, but the model reads only {positions}. Shorten it.")


def _image_or_none(sample: Sample, background: tuple[float, float, float]) -> torch.Tensor | None:
    try:
        return sample.read_opaque(background)
    except UnreadableImage:
        return None


def _described(images: Sequence[torch.Tensor | None], describe: Describe) -> list[str | None]:
    readable = [image for image in images if image is not None]
    captions = iter(describe(readable) if readable else [])
    return [None if image is None else next(captions) for image in images]


def _combined(old: str, new: str, combining: str) -> str:
    parts = {REPLACE: [new], BEFORE: [new, old], AFTER: [old, new]}[combining]
    return ", ".join(part for part in parts if part)


def _pixels(images: Sequence[torch.Tensor]) -> list[Any]:
    """(3, H, W) in 0..1 -> (H, W, 3) bytes, which every processor of transformers takes."""
    return [(image.clamp(0, 1) * 255).round().byte().movedim(0, -1).numpy() for image in images]
