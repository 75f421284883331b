"""What the rows of a material tell each other in a UNet: at each place, what stands there in the siblings.

A UNet's self-attention knows no places, and on a torus its convolutions know none either: each map of a material could
be rolled by itself, and all that its siblings see of it in joint self-attention would stay the same. So no training
could lay a height under the stones of a basecolor. Here a token attends to the tokens at its own place instead, over
the rows (as video models attend over frames: AnimateDiff, Guo et al. 2023), and takes from them what differs from its
own value: rows that agree change nothing, and one map is the plain model.
"""

import torch

from .shared_rows import check_rows


def told_by_siblings(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, heads: int, maps: int, windows: int = 1
) -> torch.Tensor:
    """Sum of softmax(q k / sqrt(C)) over the rows times the difference of their value to the own: (B, N, heads C).

    q, k and v are (B, N, heads C) with rows (material, map, window). Raises `InputError` for a batch that is no whole
    number of materials.
    """
    check_rows(len(q), maps * windows)
    q, k, v = (part.unflatten(0, (-1, maps, windows)).unflatten(-1, (heads, -1)) for part in (q, k, v))
    logits = torch.einsum("gmwnhc,gownhc->gwnhmo", q.float() * q.shape[-1] ** -0.5, k.float())  # halfs overflow in SD2
    seen = torch.einsum("gwnhmo,gownhc->gmwnhc", logits.softmax(-1).to(v.dtype), v)
    return (seen - v).flatten(-2).flatten(0, 2)
