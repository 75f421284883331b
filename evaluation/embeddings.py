"""Scores from the embeddings of an image encoder the user has, and of its text encoder."""

from collections.abc import Sequence

import torch
from torch.nn import functional as F

CROPS = 5


def views(image: torch.Tensor, side: int) -> list[torch.Tensor]:
    """The whole of (3, H, W), and crops of `side` that wrap around its edges: they keep the grain that the whole loses.

    The crops' places are the same for every image of a size. An image that is no larger than `side` is its own view.
    """
    height, width = image.shape[-2:]
    if min(height, width) <= side:
        return [image]
    result = [image]
    for number in range(CROPS):
        # Multiples of the golden ratio's fraction and its square lie evenly, however many there are.
        top, left = round(height * (number * 0.7549 % 1)), round(width * (number * 0.5698 % 1))
        result.append(image.roll((-top, -left), (-2, -1))[:, :side, :side])
    return result


def cosines(pictures: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
    """(B, P) of embeddings (B, D) and (P, D): the raw CLIP score of each picture for each prompt."""
    return F.normalize(pictures.double(), dim=1) @ F.normalize(texts.double(), dim=1).T


def contrast(cosine: torch.Tensor, prompts: Sequence[int]) -> torch.Tensor | None:
    """(B,) of (B, P): the cosine with a picture's own prompt less the mean of those with the other prompts.

    A LoRA that makes all pictures flat and unlit lowers all cosines alike; this it leaves alone. None for one prompt.
    """
    if cosine.shape[1] < 2:
        return None
    own = cosine[torch.arange(len(cosine)), torch.tensor(list(prompts))]
    return own - (cosine.sum(1) - own) / (cosine.shape[1] - 1)


def likeness(pictures: torch.Tensor, renders: torch.Tensor) -> torch.Tensor:
    """(B,) mean cosine of each of (B, D) with renders (N, D). It rewards copies, so it never decides alone."""
    return cosines(pictures, renders).mean(1)
