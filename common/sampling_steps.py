"""Where a sampling run stands."""

import torch


def step_number(sigmas: torch.Tensor, sigma: torch.Tensor) -> int:
    """The step, from 0, of a run over noise levels `sigmas` (falling) that evaluates the model at `sigma`.

    A sampler may evaluate between two levels; that belongs to the step that began at the higher one.
    """
    begun = int((sigmas[:-1].to(sigma) >= sigma.flatten()[0] * (1 - 1e-5)).sum())
    return max(begun - 1, 0)
