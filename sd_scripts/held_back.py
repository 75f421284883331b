"""Which images of a dataset sd-scripts only measures: whole materials, with all their views.

sd-scripts parts the images of a dataset at random. So what is held back becomes a dataset of its own, all of which it
holds back, and nothing of the other one.
"""

from collections.abc import Sequence

from ..common.texture_dataset import Sample, TextureDataset
from ..training.data import held_out_materials

_NAMED = 5  # materials that a note names


def shares_materials(samples: Sequence[Sample]) -> bool:
    """Whether some images to train on are views of one material, so that sd-scripts' own split would part them."""
    families = [one.family for one in samples if one.family and not one.regularisation]
    return len(set(families)) < len(families)


def held_back(dataset: TextureDataset, share: float, seed: int) -> frozenset[int] | None:
    """The places in the dataset of about `share` of the materials; None where sd-scripts' own split does as well."""
    if not share or not shares_materials(dataset.samples):
        return None
    families = [None if one.regularisation else one.family or str(one.file) for one in dataset.samples]
    return frozenset(held_out_materials(families, share, seed))


def held_back_notes(dataset: TextureDataset, held: frozenset[int] | None) -> list[str]:
    """A line for a report on what is held back, none where sd-scripts parts the images itself."""
    if held is None:
        return []
    if not held:
        return ["All images show one material, so none is held back for validation."]
    names = list(dict.fromkeys(dataset.samples[place].family for place in sorted(held)))
    more = ", …" if len(names) > _NAMED else ""
    return [f"{len(held)} images held back for validation, all views of {', '.join(names[:_NAMED])}{more}."]
