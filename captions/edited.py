"""A dataset with a person's edits laid over what came in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..common.errors import InputError
from ..common.texture_dataset import TextureDataset
from .edits import Edit


@dataclass(frozen=True)
class Edited:
    """dataset without what was excluded; counts of what the edits did; names of files whose incoming caption changed
    since it was edited, and how many edits are for images that did not come in."""

    dataset: TextureDataset
    captions: int
    excluded: int
    overtaken: tuple[str, ...]
    absent: int


def apply_edits(dataset: TextureDataset, keys: Sequence[str], edits: Mapping[str, Edit]) -> Edited:
    """The dataset after `edits`; keys name its samples in order. Raises `InputError` where nothing is left."""
    samples, overtaken, captions = [], [], 0
    for sample, key in zip(dataset.samples, keys, strict=True):
        edit = edits.get(key, Edit())
        if edit.is_overtaken(sample.caption):
            overtaken.append(sample.file.name)
        if not edit.excluded:
            captions += edit.caption is not None
            by_hand = sample.hand_edited or edit.caption is not None
            samples.append(replace(sample, caption=edit.caption_of(sample.caption), hand_edited=by_hand))
    if dataset.samples and not samples:
        raise InputError("All images of the dataset are excluded in Edit Captions. Take some back in.")
    excluded = len(dataset) - len(samples)
    absent = len(edits.keys() - set(keys))
    return Edited(replace(dataset, samples=tuple(samples)), captions, excluded, tuple(overtaken), absent)


def edits_report(edited: Edited, most: int = 10) -> str:
    """What the edits did, in a few lines."""
    lines = [f"{len(edited.dataset)} images go on, {edited.captions} with a caption that was edited by hand."]
    if edited.excluded:
        lines.append(f"{edited.excluded} images are excluded; their files stay.")
    if edited.overtaken:
        named = ", ".join(edited.overtaken[:most]) + (", …" if len(edited.overtaken) > most else "")
        lines.append(
            f"{len(edited.overtaken)} captions have changed where they come from since they were edited; yours are "
            f"used. Edit Captions shows both: {named}"
        )
    if edited.absent:
        lines.append(f"{edited.absent} edits are for images that this dataset does not hold.")
    return "\n".join(lines)
