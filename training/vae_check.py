"""Detects a VAE of the wrong family (SD1 or SDXL) by encoding a colour chart."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

PATCH = 32  # pixels: four latents a side, of which the outer ones see their neighbours
CLEAR = 0.25  # RMS of a preview that fits, with colours in -1..1; those of other families miss by 0.5 and more


@dataclass(frozen=True)
class LatentFamily:
    """How to preview a family's latents: latents * scale @ factors (C, 3) + bias (3,) are colours in -1..1."""

    scale: float
    factors: torch.Tensor
    bias: torch.Tensor

    def colors(self, latents: torch.Tensor) -> torch.Tensor:
        """(C, h, w) in the VAE's own scale -> (3, h, w)."""
        return torch.einsum("chw,cr->rhw", latents * self.scale, self.factors) + self.bias.view(3, 1, 1)


def color_card() -> torch.Tensor:
    """(3, 128, 128) in 0..1: sixteen patches of grey and colour."""
    levels = torch.tensor([0.1, 0.4, 0.6, 0.9])
    down, across = levels.view(4, 1).expand(4, 4), levels.view(1, 4).expand(4, 4)
    patches = torch.stack([down, across, down.roll(1, 0)])
    return patches.repeat_interleave(PATCH, 1).repeat_interleave(PATCH, 2)


def another_family(latents: torch.Tensor, own: str, families: Mapping[str, LatentFamily]) -> str | None:
    """The family that the latents (C, 16, 16) of the colour card belong to, None unless it is clearly not `own`."""
    card = torch.nn.functional.avg_pool2d(color_card() * 2 - 1, 8)
    errors = {name: (family.colors(latents) - card).square().mean().sqrt().item() for name, family in families.items()}
    nearest = min(errors, key=errors.__getitem__)
    return nearest if errors[nearest] < CLEAR and errors[nearest] < 0.5 * errors[own] else None
