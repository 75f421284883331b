"""Datasets as the renders that pictures are compared with, framed as the trainer frames them."""

import torch

from ...common.texture_dataset import TextureDataset
from ...evaluation.renders import ReadRenders, read_renders
from ...training.bucket_resize import frame


def framed_renders(dataset: TextureDataset, size: tuple[int, int], what: str) -> ReadRenders:
    """The dataset's own images at `size` (width, height). Raises `InputError` where none can be read."""
    return read_renders(dataset, size, frame, what)


def captioned_renders(dataset: TextureDataset, size: tuple[int, int], what: str) -> list[tuple[torch.Tensor, str]]:
    """(3, H, W) and its caption, of each."""
    renders = framed_renders(dataset, size, what)
    return [(picture, sample.caption) for picture, sample in zip(renders.pictures, renders.samples, strict=True)]
