"""Caption augmentation: dropout and shuffling."""

from collections.abc import Sequence

import torch

from .config import ObjectiveConfig


def vary_captions(
    captions: Sequence[str], objective: ObjectiveConfig, draw: torch.Generator, kept: Sequence[str] = ()
) -> list[str]:
    """Captions with dropout and with their comma-separated parts shuffled, as the objective asks.

    kept: what is left of each when it is dropped, nothing where nothing is said.
    """
    left = kept or [""] * len(captions)
    return [_varied(caption, rest, objective, draw) for caption, rest in zip(captions, left, strict=True)]


def _varied(caption: str, left: str, objective: ObjectiveConfig, draw: torch.Generator) -> str:
    if objective.caption_dropout and torch.rand((), generator=draw) < objective.caption_dropout:
        return left
    if not objective.shuffle_caption:
        return caption
    parts = [part.strip() for part in caption.split(",")]
    kept, rest = parts[: objective.keep_tokens], parts[objective.keep_tokens :]
    return ", ".join(kept + [rest[i] for i in torch.randperm(len(rest), generator=draw)])
