"""Which step of a sampling run the host is at, and whether a share of the steps includes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch


def step_number(sigmas: torch.Tensor, sigma: torch.Tensor) -> int:
    """The step, from 0, of a run over the noise levels `sigmas` (falling) that evaluates the model at `sigma`.

    A sampler may evaluate between two levels; that belongs to the step that began at the higher one.
    """
    begun = int((sigmas[:-1].to(sigma) >= sigma.flatten()[0] * (1 - 1e-5)).sum())
    return max(begun - 1, 0)


def current_step(options: Mapping[str, Any]) -> int:
    """The step that the host's transformer options describe; 0 for a single call without a sampler."""
    if "sample_sigmas" not in options:
        return 0
    return step_number(options["sample_sigmas"], options["sigmas"])


@dataclass(frozen=True)
class StepShare:
    """The steps of a sampling run from share `start` to share `end` of all of them."""

    start: float = 0.0
    end: float = 1.0

    def includes(self, options: Mapping[str, Any], timestep: torch.Tensor) -> bool:
        """Whether the step at noise level `timestep` lies within. options: the host's transformer options."""
        sigmas = options.get("sample_sigmas")
        if sigmas is None:  # a single call without a sampler
            return True
        done = step_number(sigmas, timestep) / (len(sigmas) - 1)
        return self.start <= done < self.end
