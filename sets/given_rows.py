"""Rows of a batch that are known: they stay as they are, and the others see them without noise."""

import torch


def given_rows(mask: torch.Tensor | None, rows: int) -> torch.Tensor:
    """Which of the `rows` are known, (B,): those where nothing of a noise mask (B or 1, ...) is to be sampled."""
    if mask is None:
        return torch.zeros(rows, dtype=torch.bool)
    known = mask.flatten(1).amax(1) == 0
    return known.expand(rows) if len(known) == 1 else known


def in_place_of(given: torch.Tensor, known: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """`known` where `given` (B,) says so, else `others`; both are (B, ...)."""
    rows = given.to(others.device).view(-1, *(1 for _ in others.shape[1:]))
    return torch.where(rows, known.to(others), others)


def of_all_rows(given: torch.Tensor, rows: int, windows: int = 1) -> torch.Tensor:
    """`given` (B,) for a batch of `rows` that has the B rows several times over, each in so many windows."""
    return given.repeat(rows // (len(given) * windows)).repeat_interleave(windows)
