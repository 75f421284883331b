"""The prompts of all maps of a material, a row each, as the host's samplers take them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..common.errors import InputError
from ..common.map_words import MAP_WORDS, map_caption
from ..sets.prompt_rows import lengthened, rows_of_one_length
from .protocols import Clip


@dataclass(frozen=True)
class SetPrompts:
    """CONDITIONING for positive and negative, and the prompt of each row, in lines."""

    positive: list[Any]
    negative: list[Any]
    lines: list[str]


def set_prompts(clip: Clip, kinds: Sequence[str], text: str, negative: str) -> SetPrompts:
    """Rows for the maps `kinds`: "normal map of red bricks", and guided away from "normal map, ..." of `negative`.

    Raises `InputError` for a text encoder whose texts cannot go to single rows.
    """
    if clip is None:
        raise InputError("The clip is empty: the checkpoint it came from holds none. Load one with Load CLIP.")
    prompts = [map_caption(kind, text) for kind in kinds]
    away = [", ".join(part for part in (MAP_WORDS[kind], negative.strip()) if part) for kind in kinds]
    lines = [f"{kind}: {row}" for kind, row in zip(kinds, prompts, strict=True)]
    return SetPrompts(_rows(clip, prompts), _rows(clip, away), lines)


def _rows(clip: Clip, texts: Sequence[str]) -> list[Any]:
    encoded = [clip.encode_from_tokens(clip.tokenize(text), return_pooled=True, return_dict=True) for text in texts]
    contexts = [one.pop("cond") for one in encoded]
    longest = max(context.shape[1] for context in contexts)
    facts = {name: _of_rows(name, [one.get(name) for one in encoded], longest) for name in encoded[0]}
    return [[rows_of_one_length(contexts), facts]]


def _of_rows(name: str, values: Sequence[Any], longest: int) -> Any:
    """What a text encoder says beside the text itself, of all rows: by row where it has one, or the same for all."""
    first = values[0]
    if isinstance(first, torch.Tensor) and first.ndim > 1 and len(first) == 1:
        rows = [lengthened(value, longest) if name == "attention_mask" else value for value in values]
        if len({row.shape for row in rows}) == 1:
            return torch.cat(rows)
    elif all(_same(value, first) for value in values):
        return first
    raise InputError(
        f"This text encoder tells the model more of a text than a row can hold ({name}), as that of Anima does. "
        "Material sets do not work with it: sample each map by itself, or take another model."
    )


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor) or isinstance(other, torch.Tensor):
        return isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor) and torch.equal(one, other)
    return bool(one == other)
