"""Images in strips of rows: which rows a strip has, how many at once, and memory for what comes of them."""

from collections.abc import Iterator

import numpy as np
import torch

ON_GPU = 64  # times as many pixels in a strip as on a CPU
GOLDEN = 0.6180339887498949


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
    """Memory for (B, channels, H, W) on the device of `like` (B, C, H, W), of its type and width unless given."""
    shape, dtype = (like.shape[0], channels, like.shape[2], width or like.shape[3]), dtype or like.dtype
    if like.device.type != "cpu":
        return like.new_empty(shape, dtype=dtype)
    # NumPy asks the system for large pages: the first write to 4 KB ones would take as long as all the arithmetic.
    return torch.from_numpy(np.empty(shape, torch.empty(0, dtype=dtype).numpy().dtype))
