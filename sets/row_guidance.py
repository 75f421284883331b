"""How much each map follows its prompt: guidance drives normals off the sphere and heights to black and white."""

from collections.abc import Sequence

import torch

from ..common.map_kinds import COLOR_MAPS


def guidance_scales(kinds: Sequence[str], rows: int, scale: float, data_scale: float) -> torch.Tensor:
    """The guidance scale of each of `rows` (B,), whose maps are `kinds` over and over: `scale` for colours.

    Data maps have `data_scale`, but no more than colours.
    """
    scales = [scale if kind in COLOR_MAPS else min(scale, data_scale) for kind in kinds]
    return torch.tensor(scales).repeat(rows // len(kinds))


def guided(cond: torch.Tensor, uncond: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    """Classifier-free guidance of (B, ...) with a scale for each row (B,) (Ho and Salimans 2022, eq. 6)."""
    factors = scales.to(cond).view(-1, *(1 for _ in cond.shape[1:]))
    return uncond + factors * (cond - uncond)
