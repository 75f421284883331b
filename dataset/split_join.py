"""Holding some materials back, to see what a LoRA makes of what it has not seen; and putting datasets together."""

import hashlib
from dataclasses import replace

from ..common.errors import InputError
from ..common.texture_dataset import TextureDataset

MORE, REGULARISATION = ROLES = ["more images", "regularisation"]


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


def join_datasets(dataset: TextureDataset, other: TextureDataset, role: str, repeats: int = 1) -> TextureDataset:
    """`dataset` with the samples of `other` after its own, each seen `repeats` times as often as it was.

    As `REGULARISATION` they are marked as such. Background and buckets are those of `dataset`. Raises InputError where
    a file is in both: it would be learnt twice, or learnt and held back at once.
    """
    both = {sample.file for sample in dataset.samples} & {sample.file for sample in other.samples}
    if both:
        names = ", ".join(sorted(file.name for file in both)[:5])
        raise InputError(
            f"{len(both)} files are in both datasets: {names}{', …' if len(both) > 5 else ''}. Load each folder once; "
            "to see images more often, raise repeats."
        )
    added = (
        replace(
            sample, repeats=sample.repeats * repeats, regularisation=sample.regularisation or role == REGULARISATION
        )
        for sample in other.samples
    )
    samples, findings = (*dataset.samples, *added), dataset.findings + other.findings
    return replace(dataset, samples=samples, findings=findings)


def _position(material: str, seed: int) -> float:
    """0..1, evenly spread over materials."""
    digest = hashlib.sha256(f"{seed}/{material}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
