"""Images in strips of rows: what lies around a strip, and where results go."""

from collections.abc import Callable, Iterator

import numpy as np
import torch

from ..common.axes import Axes, wrapped

ON_GPU = 64
GOLDEN = 0.6180339887498949
Continuation = Callable[[torch.Tensor, int], torch.Tensor]


def row_strips(rows: int, at_once: int, every: int = 1) -> Iterator[slice]:
    """0 to `rows` in slices of at most `at_once`; with `every` above 1 a sample of them, one in so many.

    Which one changes by the golden ratio: evenly spread, and in step with no pattern of the image.
    """
    for index, first in enumerate(range(0, rows, at_once)):
        group, place = divmod(index, every)
        if place == int(GOLDEN * group % 1 * every):
            yield slice(first, min(first + at_once, rows))


def lines_at_once(image: torch.Tensor, pixels: int, dim: int = -1) -> int:
    """How many lines along `dim` of each image of (B, C, H, W) have `pixels` in all, and one at least.

    On a GPU, which has many processors to keep busy and pays for every call, `ON_GPU` times as many.
    """
    return max(1, (pixels if image.device.type == "cpu" else ON_GPU * pixels) // (len(image) * image.shape[dim]))


def empty_image(
    like: torch.Tensor, channels: int, dtype: torch.dtype | None = None, width: int | None = None
) -> torch.Tensor:
    """Memory for (B, channels, H, W) on the device of `like` (B, C, H, W), of its type and width unless told."""
    shape, dtype = (like.shape[0], channels, like.shape[2], width or like.shape[3]), dtype or like.dtype
    if like.device.type != "cpu":
        return like.new_empty(shape, dtype=dtype)
    # NumPy asks the system for large pages: the first write to 4 KB ones would take as long as all the arithmetic.
    return torch.from_numpy(np.empty(shape, torch.empty(0, dtype=dtype).numpy().dtype))


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
