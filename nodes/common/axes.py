"""Along which axes an image closes on itself."""

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


def wrap_pad(
    image: torch.Tensor, pad: int | tuple[int, int, int, int], axes: Axes, edge: str = "replicate"
) -> torch.Tensor:
    """Pad (..., H, W) by `pad` pixels (one number, or left, right, top, bottom), wrapping along `axes`.

    Along an axis that does not wrap, `edge` is what lies outside: "replicate" repeats the border, "zeros" is 0.
    A wrapped pad may be wider than the image.
    """
    left, right, top, bottom = (pad,) * 4 if isinstance(pad, int) else pad
    image = _pad_last(image, left, right, axes.x, edge)
    return _pad_last(image.transpose(-1, -2), top, bottom, axes.y, edge).transpose(-1, -2)


def _pad_last(image: torch.Tensor, before: int, after: int, wraps: bool, edge: str) -> torch.Tensor:
    if before == after == 0:
        return image
    size = image.shape[-1]
    if not wraps and edge == "zeros":
        return torch.nn.functional.pad(image, (before, after))
    position = torch.arange(-before, size + after, device=image.device)
    return image.index_select(-1, position % size if wraps else position.clamp(0, size - 1))
