"""Captions from models that look at the images, batch by batch."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch

from ..common.errors import InputError, UnreadableImage
from ..common.image_writing import whole_numbers
from ..common.texture_dataset import Sample, TextureDataset

REPLACE, BEFORE, AFTER = "replace", "before", "after"
COMBINING = [REPLACE, BEFORE, AFTER]

Describe = Callable[[Iterable[torch.Tensor]], list[str]]
"""(3, H, W) images in 0..1 -> one caption each. They come one by one: 8192 pixels a side are 800 MB."""


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
        seen: list[int] = []
        captions = describe(_images(batch, dataset.background, seen))
        described = dict(zip(seen, captions, strict=True))
        unreadable += [one for index, one in enumerate(batch) if index not in described and not one.hand_edited]
        samples += [
            replace(one, caption=_combined(one.caption, described[index], combining)) if index in described else one
            for index, one in enumerate(batch)
        ]
        checked(len(samples), len(dataset))
    return replace(dataset, samples=tuple(samples)), unreadable


def blip(model: Any, processor: Any, prompt: str, max_tokens: int, beams: int) -> Describe:
    """BLIP in transformers' class BlipForConditionalGeneration; its captions begin with `prompt`."""

    @torch.inference_mode()
    def describe(images: Iterable[torch.Tensor]) -> list[str]:
        pixels = _pixels(images)
        if not pixels:
            return []
        text = {"text": [prompt] * len(pixels), "padding": True} if prompt else {}
        inputs = processor(images=pixels, return_tensors="pt", **text).to(model.device)
        _check_length(inputs, model.config.text_config.max_position_embeddings)
        tokens = model.generate(**inputs, max_new_tokens=max_tokens, num_beams=beams, do_sample=False)
        return [caption.strip() for caption in processor.batch_decode(tokens, skip_special_tokens=True)]

    return describe


def florence(model: Any, processor: Any, task: str, max_tokens: int, beams: int) -> Describe:
    """Florence-2 in transformers' class Florence2ForConditionalGeneration; `task` is a token such as "<CAPTION>"."""

    @torch.inference_mode()
    def describe(images: Iterable[torch.Tensor]) -> list[str]:
        pixels = _pixels(images)
        if not pixels:
            return []
        text = [task] * len(pixels)
        inputs = processor(text=text, images=pixels, return_tensors="pt", padding=True).to(model.device)
        tokens = model.generate(**inputs, max_new_tokens=max_tokens, num_beams=beams, do_sample=False)
        return [caption.strip() for caption in processor.batch_decode(tokens, skip_special_tokens=True)]

    return describe


def _check_length(inputs: Any, positions: int) -> None:
    length = inputs["input_ids"].shape[1] if "input_ids" in inputs else 0
    if length >= positions:
        raise InputError(f"prompt has {length} tokens, but the model reads only {positions}. Shorten it.")


def _images(batch: Sequence[Sample], background: tuple[float, float, float], seen: list[int]) -> Iterator[torch.Tensor]:
    """The images to be captioned that can be read; their places in the batch are written to `seen`."""
    for index, sample in enumerate(batch):
        if sample.hand_edited:
            continue
        try:
            image = sample.read_opaque(background)
        except UnreadableImage:
            continue
        seen.append(index)
        yield image


def _combined(old: str, new: str, combining: str) -> str:
    parts = {REPLACE: [new], BEFORE: [new, old], AFTER: [old, new]}[combining]
    return ", ".join(part for part in parts if part)


def _pixels(images: Iterable[torch.Tensor]) -> list[Any]:
    """(3, H, W) in 0..1 -> (H, W, 3) bytes, which every processor of transformers takes."""
    return [whole_numbers(image, 8) for image in images]
