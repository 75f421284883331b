"""The renders that pictures are compared with, read from a dataset and brought to the size of the pictures."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..common.errors import InputError, UnreadableImage
from ..common.images import composite
from ..common.texture_dataset import Sample, TextureDataset

MOST_RENDERS = 200  # of a set: every picture is compared with each of them at all shifts

Framing = Callable[[torch.Tensor, tuple[int, int], bool], torch.Tensor]
"""(image (C, H, W), (width, height), whether it tiles) -> (C, height, width)"""


@dataclass(frozen=True)
class ReadRenders:
    """Pictures (3, H, W), sRGB in 0..1, their samples, and lines on what was left out."""

    pictures: list[torch.Tensor]
    samples: list[Sample]
    notes: list[str]


def read_renders(dataset: TextureDataset, size: tuple[int, int], frame: Framing, what: str) -> ReadRenders:
    """The images of a dataset but those of regularisation, at `size` (width, height); `what` names it in messages.

    Raises `InputError` where none can be read.
    """
    own = [sample for sample in dataset.samples if not sample.regularisation]
    chosen = own if len(own) <= MOST_RENDERS else [own[n * len(own) // MOST_RENDERS] for n in range(MOST_RENDERS)]
    notes = [f"{len(chosen)} of the {len(own)} images of {what} were compared with"] if len(chosen) < len(own) else []
    pictures, samples = [], []
    for sample in chosen:
        try:
            image = composite(sample.read().clamp(0, 1), dataset.background)
        except UnreadableImage as error:
            notes.append(str(error))
            continue
        pictures.append(frame(image, size, sample.tileable))
        samples.append(sample)
    if not pictures:
        reasons = " ".join(notes) or "Load a folder that holds some."
        raise InputError(f"{what} has no images to compare with. {reasons}")
    return ReadRenders(pictures, samples, notes)
