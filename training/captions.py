"""What happens to a caption on its way into a step."""

from collections.abc import Sequence

import torch

from .config import ObjectiveConfig


def vary_captions(captions: Sequence[str], objective: ObjectiveConfig, draw: torch.Generator) -> list[str]:
    """Some captions left out, the others' comma-separated parts in another order, as the objective asks."""
    return [_varied(caption, objective, draw) for caption in captions]


def _varied(caption: str, objective: ObjectiveConfig, draw: torch.Generator) -> str:
    if objective.caption_dropout and torch.rand((), generator=draw) < objective.caption_dropout:
        return ""
    if not objective.shuffle_caption:
        return caption
    parts = [part.strip() for part in caption.split(",")]
    kept, rest = parts[: objective.keep_tokens], parts[objective.keep_tokens :]
    return ", ".join(kept + [rest[i] for i in torch.randperm(len(rest), generator=draw)])
