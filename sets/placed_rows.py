"""Where the tokens of a UNet's rows lie, as part of their attention to the siblings.

A UNet's self-attention knows no places, and on a torus its convolutions know none either: each map of a material could
be rolled by itself, and all that its siblings see of it would stay the same. So no training could lay a height under
the stones of a basecolor. Attention to a sibling therefore leans towards the same place, by a von Mises kernel over
both axes: its logits get kappa (cos(a) - 1) of the angle a between both places on the torus, less the logarithm of the
kernel's mean, so that siblings together weigh what they weighed without it. Attention to the row itself stays as it is.
"""

import math

import torch

from .shared_rows import joined_rows

REACH = 1.0  # tokens: the sigma of the kernel
EXTRA = 8  # channels that a head gets: two for each axis, one for what all places share, and what kernels like to have


def placed(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, heads: int, size: tuple[int, int], maps: int, windows: int = 1
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Queries (B, N, heads C) of tokens (height, width), with keys and values of all `maps` rows, (B, maps N, heads C).

    Heads come out with C + `EXTRA` channels, for an attention that divides by the root of their number.
    """
    channels = q.shape[-1] // heads
    wide = channels + EXTRA
    queries, keys = _places(size, q)
    q, k, v = (part.unflatten(-1, (heads, channels)) for part in (q, k, v))
    k, v = (joined_rows(part, maps, windows) for part in (k, v))
    own = torch.arange(len(q), device=q.device) // windows % maps
    of_keys = torch.arange(maps, device=q.device).repeat_interleave(len(keys))
    siblings = (own[:, None] != of_keys)[..., None] * keys.repeat(maps, 1)
    return (
        _with_channels(q * (wide / channels) ** 0.5, (queries * wide**0.25).expand(len(q), -1, -1)),
        _with_channels(k, siblings * wide**0.25),
        _with_channels(v, torch.zeros_like(siblings)),
    )


def _with_channels(part: torch.Tensor, more: torch.Tensor) -> torch.Tensor:
    """(B, N, heads, C) and (B, N, EXTRA) of every head, as (B, N, heads (C + EXTRA))."""
    return torch.cat([part, more[:, :, None].expand(-1, -1, part.shape[2], -1)], -1).flatten(2)


def without_places(result: torch.Tensor, heads: int) -> torch.Tensor:
    """What an attention of `placed` gives, (B, N, heads (C + EXTRA)), as (B, N, heads C)."""
    return result.unflatten(-1, (heads, -1))[..., :-EXTRA].flatten(2)


def _places(size: tuple[int, int], like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(N, EXTRA) for queries and for keys, whose products are the kernel's logits."""
    columns: list[torch.Tensor] = []
    least = 0.0
    grids = torch.meshgrid(*(torch.arange(side, dtype=torch.float64) for side in size), indexing="ij")
    for side, grid in zip(size, grids, strict=True):
        kappa = (side / (2 * math.pi * REACH)) ** 2
        angle = 2 * math.pi * grid.flatten() / side
        columns += [kappa**0.5 * angle.cos(), kappa**0.5 * angle.sin()]
        turns = 2 * math.pi * torch.arange(side, dtype=torch.float64) / side
        least -= kappa + (kappa * (turns.cos() - 1)).exp().mean().log().item()
    place = torch.stack(columns, 1)
    rest = torch.zeros(len(place), EXTRA - place.shape[1])
    queries, keys = torch.cat([place, rest], 1), torch.cat([place, rest], 1)
    queries[:, 4], keys[:, 4] = 1.0, least
    return queries.to(like), keys.to(like)
