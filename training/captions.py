"""Caption augmentation: dropout and shuffling."""

from collections.abc import Sequence

import torch

from .config import ObjectiveConfig


def vary_captions(captions: Sequence[str], objective: ObjectiveConfig, draw: torch.Generator) -> list[str]:
    """Captions with dropout and with their comma-separated parts shuffled, as the objective asks."""
    return [_varied(caption, objective, draw) for caption in captions]


def _varied(caption: str, objective: ObjectiveConfig, draw: torch.Generator) -> str:
    if objective.caption_dropout and torch.rand((), generator=draw) < objective.caption_dropout:
        return ""
    if not objective.shuffle_caption:
        return caption
    parts = [part.strip() for part in caption.split(",")]
    kept, rest = parts[: objective.keep_tokens], parts[objective.keep_tokens :]
    return ", ".join(kept + [rest[i] for i in torch.randperm(len(rest), generator=draw)])
