"""Texts of the rows of a material brought to one length, which a batch must have."""

import math
from collections.abc import Sequence

import torch

CHUNK = 77  # tokens that CLIP reads at once


def rows_of_one_length(contexts: Sequence[torch.Tensor]) -> torch.Tensor:
    """Embedded texts, each (1, L, D), as rows (M, L, D).

    Whole chunks of CLIP are repeated, which cross-attention does not notice. Other texts stand in line with the image:
    there the last token of the shorter ones goes on.
    """
    lengths = [context.shape[1] for context in contexts]
    if all(length % CHUNK == 0 for length in lengths):
        common = math.lcm(*lengths)
        return torch.cat([context.repeat(1, common // context.shape[1], 1) for context in contexts])
    return torch.cat([lengthened(context, max(lengths)) for context in contexts])


def lengthened(tokens: torch.Tensor, length: int) -> torch.Tensor:
    """(B, L, ...) with its last token repeated up to `length` -> (B, length, ...)."""
    missing = length - tokens.shape[1]
    return torch.cat([tokens, tokens[:, -1:].expand(-1, missing, *tokens.shape[2:])], 1) if missing else tokens
