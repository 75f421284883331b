"""Datasets as the renders that pictures are compared with, framed as the trainer frames them."""

import torch

from ...common.errors import InputError
from ...common.texture_dataset import TextureDataset
from ...evaluation.renders import ReadRenders, read_renders
from ...training.bucket_resize import frame

NO_RENDERS = ReadRenders([], [], [])


def framed_renders(dataset: TextureDataset, size: tuple[int, int], what: str) -> ReadRenders:
    """The dataset's own images at `size` (width, height). Raises `InputError` where none can be read."""
    return read_renders(dataset, size, frame, what)


def captioned_renders(dataset: TextureDataset, size: tuple[int, int], what: str) -> list[tuple[torch.Tensor, str]]:
    """(3, H, W) and its caption, of each."""
    renders = framed_renders(dataset, size, what)
    return [(picture, sample.caption) for picture, sample in zip(renders.pictures, renders.samples, strict=True)]


def check_apart(training: TextureDataset, held_out: TextureDataset | None, what: str) -> None:
    """Raises `InputError` for files in both sets, which make copies look like new pictures. `what` names the first."""
    both = {sample.file for sample in training.samples} & {
        sample.file for sample in (held_out.samples if held_out else ())
    }
    if both:
        names = ", ".join(sorted(file.name for file in both)[:5])
        raise InputError(
            f"{len(both)} images are in {what} and in held_out as well, such as {names}. Divide one dataset with "
            "Split Dataset, train on the first part, and connect the second as held_out."
        )
