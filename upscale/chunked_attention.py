"""Attention over keys and values in chunks (online softmax), for those that do not fit in the device's memory."""

from collections.abc import Iterable

import torch


def attend(queries: torch.Tensor, parts: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    """softmax(queries keys' / sqrt(C)) values, (N, C), with keys and values in parts (K, C) each. In float32.

    Milakov, Gimelshein, "Online normalizer calculation for softmax" (2018).
    """
    queries = queries.float() * queries.shape[1] ** -0.5
    highest = queries.new_full((queries.shape[0], 1), -torch.inf)
    total, result = torch.zeros_like(highest), torch.zeros_like(queries)
    for keys, values in parts:
        scores = queries @ keys.float().T
        raised = torch.maximum(highest, scores.amax(1, keepdim=True))
        weights, fading = scores.sub_(raised).exp_(), (highest - raised).exp_()
        total = total * fading + weights.sum(1, keepdim=True)
        result = result * fading + weights @ values.float()
        highest = raised
    return result / total
