"""What lies beyond the border of an image: its other side where it wraps, a smooth continuation where not."""

from collections.abc import Callable

import torch

from ..common.axes import Axes, wrapped

Continuation = Callable[[torch.Tensor, int], torch.Tensor]


def parabola(edge: torch.Tensor, pad: int) -> torch.Tensor:
    """Continue (..., H, W) to the left by `pad` columns, along the parabola through its first three."""
    # From differences, so that a constant continues as exactly that constant.
    first, second, third = edge[..., 0:1], edge[..., 1:2], edge[..., 2:3]
    steps = torch.arange(pad, 0, -1, device=edge.device, dtype=edge.dtype)
    return first + steps * (first - second) + steps * (steps + 1) / 2 * ((first - second) - (second - third))


def extend(image: torch.Tensor, pad: int, axes: Axes, beyond: Continuation = parabola) -> torch.Tensor:
    """Continue (..., H, W) by `pad` pixels all round: wrapped along `axes`, along the others as `beyond` says."""
    return strip_around(image, slice(0, image.shape[-2]), pad, axes, beyond)


def strip_around(
    image: torch.Tensor, rows: slice, pad: int, axes: Axes, beyond: Continuation = parabola
) -> torch.Tensor:
    """The given rows of (..., H, W) with `pad` pixels more all round, continued as by `extend`."""
    tall = _rows_around(image, rows, pad, axes.y, beyond)
    width = tall.shape[-1]
    if not axes.x:
        after = beyond(tall[..., -3:].flip(-1), pad).flip(-1)
        return torch.cat([beyond(tall[..., :3], pad), tall, after], dim=-1)
    if pad <= width:
        return torch.cat([tall[..., width - pad :], tall, tall[..., :pad]], dim=-1)
    return wrapped(tall, -pad, width + pad, -1)


def _rows_around(image: torch.Tensor, rows: slice, pad: int, wraps: bool, beyond: Continuation) -> torch.Tensor:
    height = image.shape[-2]
    first, last = rows.start - pad, rows.stop + pad
    if first >= 0 and last <= height:
        return image[..., first:last, :]
    if wraps:
        return wrapped(image, first, last, -2)
    inside = image[..., max(first, 0) : min(last, height), :]
    above = beyond(image[..., :3, :].mT, max(-first, 0)).mT
    below = beyond(image[..., -3:, :].flip(-2).mT, max(last - height, 0)).mT.flip(-2)
    return torch.cat([above, inside, below], dim=-2)
