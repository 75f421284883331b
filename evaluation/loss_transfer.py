"""How much of what a LoRA gains on its training renders it also gains on renders that it never saw.

Both gains are of the denoising loss at fixed noise, so no picture has to be painted. 1: what was learnt holds for the
material. Falling while the training loss still falls: the renders are being memorised. Below 0: harm.
"""

from dataclasses import dataclass

import torch

from .bootstrap import draw_counts, interval

FRACTIONS = (0.125, 0.375, 0.625, 0.875)  # of the schedule, at which each image is measured
MOST_IMAGES = 16  # of each kind
LEAST_GAIN = 0.01  # of the training loss: below it the LoRA has learnt nothing that could be passed on


@dataclass(frozen=True)
class Transfer:
    """share: held-out loss won over training loss won, nan where none was. gain: held-out loss won, over the loss."""

    share: float
    interval: tuple[float, float]
    gain: float
    training_gain: float


def transfer_of_losses(
    training_base: torch.Tensor, training: torch.Tensor, held_out_base: torch.Tensor, held_out: torch.Tensor
) -> Transfer:
    """From losses (N,) of training renders and (M,) of held-out ones, without the LoRA and with it."""
    training_base, training, held_out_base, held_out = (
        losses.double() for losses in (training_base, training, held_out_base, held_out)
    )
    won, passed_on = training_base - training, held_out_base - held_out
    learnt = float(won.mean() / training_base.mean())
    share = float(passed_on.mean() / won.mean()) if learnt >= LEAST_GAIN else torch.nan
    own, others = draw_counts(torch.arange(len(won))), draw_counts(torch.arange(len(passed_on)), seed=1)
    draws = (others @ passed_on / others.sum(1)) / (own @ won / own.sum(1))
    bounds = interval(draws, min(len(won), len(passed_on))) if learnt >= LEAST_GAIN else (torch.nan, torch.nan)
    return Transfer(share, bounds, float(passed_on.mean() / held_out_base.mean()), learnt)
