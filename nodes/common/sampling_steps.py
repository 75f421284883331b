"""Where a sampling run stands."""

import torch


def step_number(sigmas: torch.Tensor, sigma: torch.Tensor) -> int:
    """How many steps of a run over noise levels `sigmas` (falling) are behind the noise level `sigma`."""
    return int((sigmas[:-1].to(sigma) > sigma.flatten()[0] * (1 + 1e-5)).sum())
