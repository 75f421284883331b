"""Which axes of an image wrap."""

from dataclasses import dataclass

import torch

AXES_OPTIONS = ["both", "x", "y", "none"]


@dataclass(frozen=True)
class Axes:
    """The axes that wrap: x joins the left edge to the right one, y the top to the bottom."""

    x: bool
    y: bool

    @classmethod
    def parse(cls, name: str) -> "Axes":
        """The axes for one of `AXES_OPTIONS`."""
        return cls(x=name in ("both", "x"), y=name in ("both", "y"))

    @property
    def name(self) -> str:
        """Which of `AXES_OPTIONS` it is."""
        return {(True, True): "both", (True, False): "x", (False, True): "y"}.get((self.x, self.y), "none")


def wrap_pad(
    image: torch.Tensor, pad: int | tuple[int, int, int, int], axes: Axes, edge: str = "replicate"
) -> torch.Tensor:
    """Pad (..., H, W) by `pad` pixels (one number, or left, right, top, bottom), circularly along `axes`.

    Along an axis that does not wrap, `edge` is what lies outside: "replicate" repeats the border, "zeros" is 0.
    A wrapped pad may be wider than the image.
    """
    left, right, top, bottom = (pad,) * 4 if isinstance(pad, int) else pad
    image = _pad_axis(image, -1, left, right, axes.x, edge)
    return _pad_axis(image, -2, top, bottom, axes.y, edge)


def wrapped(image: torch.Tensor, start: int, stop: int, dim: int) -> torch.Tensor:
    """Cells `start` to `stop` - 1 of `image` along `dim`, which wraps: the range may reach beyond either end."""
    return image.index_select(dim, wrapped_indices(start, stop, image.shape[dim], image.device))


def wrapped_indices(start: int, stop: int, size: int, device: torch.device | None = None) -> torch.Tensor:
    """The indices of cells `start` to `stop` - 1 of a circle of `size` cells."""
    return torch.arange(start, stop, device=device) % size


def _pad_axis(image: torch.Tensor, axis: int, before: int, after: int, wraps: bool, edge: str) -> torch.Tensor:
    if before == after == 0:
        return image
    size = image.shape[axis]
    if not wraps and edge == "zeros":
        return torch.nn.functional.pad(image, (0, 0) * (-1 - axis) + (before, after))
    if wraps and max(before, after) > size:
        return wrapped(image, -before, size + after, axis)
    # Laying slices side by side is several times as fast as gathering by index, forwards and backwards.
    first = image.narrow(axis, size - before if wraps else 0, before if wraps else 1)
    last = image.narrow(axis, 0 if wraps else size - 1, after if wraps else 1)
    if not wraps:
        first, last = first.repeat_interleave(before, axis), last.repeat_interleave(after, axis)
    return torch.cat([first, image, last], axis)
