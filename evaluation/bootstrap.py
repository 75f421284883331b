"""Confidence intervals: a bootstrap over prompts, with the same draws for every cell of a grid.

Efron and Tibshirani, "An Introduction to the Bootstrap" (1993). Prompts are drawn and their seeds kept: drawing both
would count the spread of the seeds twice. Percentiles are taken further out for few prompts: Hesterberg, "What Teachers
Should Know About the Bootstrap" (2015), section 4.3.
"""

import math
from functools import lru_cache

import torch

DRAWS = 2000
LEVEL = 0.95


def draw_counts(groups: torch.Tensor, draws: int = DRAWS, seed: int = 0) -> torch.Tensor:
    """(draws, N): how often each resample draws each of N pictures, where groups (N,) numbers the prompts from 0.

    Whole groups are drawn, with replacement; of a single group its pictures are.
    """
    number = int(groups.max()) + 1 if len(groups) else 0
    if number == 1:
        groups, number = torch.arange(len(groups)), len(groups)
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(number, (draws, number), generator=generator)
    counts = torch.zeros(draws, number, dtype=torch.float64)
    counts.scatter_add_(1, drawn, torch.ones_like(drawn, dtype=torch.float64))
    return counts[:, groups]


def independent(groups: torch.Tensor) -> int:
    """How many independent observations the pictures are: their prompts, or of one prompt the pictures."""
    number = len(groups.unique())
    return len(groups) if number == 1 else number


def weighted_mean(values: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """(R,) means of values (N,) under counts (R, N)."""
    return counts @ values / counts.sum(1)


def interval(draws: torch.Tensor, observations: int, level: float = LEVEL) -> tuple[float, float]:
    """The confidence interval of a number from its draws (R,); (nan, nan) for fewer than 2 observations."""
    sound = draws[draws.isfinite()]
    if observations < 2 or len(sound) < 2:
        return math.nan, math.nan
    tail = _tail(observations, (1 - level) / 2)
    low, high = sound.quantile(torch.tensor([tail, 1 - tail], dtype=sound.dtype)).tolist()
    return low, high


@lru_cache(maxsize=64)
def _tail(observations: int, tail: float) -> float:
    """The share to cut off at each end, so that a mean of so many normal observations is covered as promised."""
    from scipy.special import ndtr, stdtrit  # as scipy.stats has them, which takes half a second to load

    return float(ndtr(math.sqrt(observations / (observations - 1)) * stdtrit(observations - 1, tail)))
