"""Two height maps on one surface, each with its own range in cm, as one height map and its range."""

from dataclasses import dataclass

import torch

ADD, SUBTRACT, MAXIMUM, MINIMUM, BLEND = METHODS = ["add", "subtract", "maximum", "minimum", "height blend"]


@dataclass(frozen=True)
class CombinedHeights:
    """height (B, 1, H, W), stretched to 0..1 over the whole batch, and the cm that 0..1 spans.

    share (B, 1, H, W) is 1 where the detail makes the surface and 0 where the base does.
    """

    height: torch.Tensor
    height_cm: float
    share: torch.Tensor


def combine_heights(
    base: torch.Tensor, detail: torch.Tensor, mask: torch.Tensor | None, method: str, transition: float = 0.0
) -> CombinedHeights:
    """Combine heights in cm, (B, 1, H, W) each, by one of `METHODS`; `mask` (B, 1, H, W) in 0..1 weighs the detail.

    `transition` is the difference in height, in cm, over which the methods that choose the higher or the lower one go
    from one to the other; 0 is a hard edge. Works pixel by pixel: what tiles goes on tiling.
    """
    if method in (ADD, SUBTRACT):
        share = torch.ones_like(base) if mask is None else mask
        surface = base + share * (detail if method == ADD else -detail)
    else:
        share = detail_share(base, detail, mask, method, transition)
        surface = torch.lerp(base, detail, share)
    lowest, highest = surface.aminmax()
    span = float(highest - lowest)
    height = (surface - lowest) / span if span > 0 else torch.zeros_like(surface)
    return CombinedHeights(height, span, share)


def detail_share(
    base: torch.Tensor, detail: torch.Tensor, mask: torch.Tensor | None, method: str, transition: float
) -> torch.Tensor:
    """How much of the detail shows, (B, 1, H, W) in 0..1, by a method that chooses between both; heights in cm."""
    above = base - detail if method == MINIMUM else detail - base
    if mask is None:
        return _ramp(above, transition)
    if method != BLEND:
        return mask * _ramp(above, transition)
    blended = _ramp(above + _lift(above, mask, transition), transition)
    return torch.where((mask > 0) & (mask < 1), blended, mask)


def _lift(above: torch.Tensor, mask: torch.Tensor, transition: float) -> torch.Tensor:
    """By how many cm a mask raises the detail: at 0 below all of the base, at 1 above all of it, evenly between.

    After A. Mishkinis, Advanced terrain texture splatting (2013), with the heights' own range for the mask: the darker
    the mask, the higher must the detail stand above the base to show.
    """
    lowest, highest = above.amin((1, 2, 3), keepdim=True), above.amax((1, 2, 3), keepdim=True)
    return torch.lerp(-highest - transition / 2, -lowest + transition / 2, mask)


def _ramp(above: torch.Tensor, transition: float) -> torch.Tensor:
    """0 where `above` is below -transition / 2, 1 where it is above +transition / 2, straight between."""
    if transition == 0:
        return (above > 0).to(above.dtype)
    return (above / transition + 0.5).clamp(0, 1)
