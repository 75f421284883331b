"""Putting datasets together."""

from dataclasses import replace

from ..common.errors import InputError
from ..common.texture_dataset import TextureDataset

MORE, REGULARISATION = ROLES = ["more images", "regularisation"]


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
