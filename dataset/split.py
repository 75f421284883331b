"""Holding some materials back, to see what a LoRA makes of what it was not trained on."""

import hashlib
from dataclasses import replace

from ..common.texture_dataset import TextureDataset


def split_by_material(dataset: TextureDataset, fraction: float, seed: int) -> tuple[TextureDataset, TextureDataset]:
    """(training, validation), with about `fraction` of the materials in the second.

    All maps and all augmented views of a material stay together. Each material's place depends on its name and the
    seed alone, so a dataset that grows keeps its split. Regularisation images always stay in training.
    """
    held_back = {
        sample.family
        for sample in dataset.samples
        if not sample.regularisation and _position(sample.family, seed) < fraction
    }
    own = [sample.family in held_back and not sample.regularisation for sample in dataset.samples]
    training = tuple(sample for sample, held in zip(dataset.samples, own, strict=True) if not held)
    validation = tuple(sample for sample, held in zip(dataset.samples, own, strict=True) if held)
    return replace(dataset, samples=training), replace(dataset, samples=validation)


def _position(material: str, seed: int) -> float:
    """0..1, evenly spread over materials."""
    digest = hashlib.sha256(f"{seed}/{material}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
