"""Two normal maps on one surface. Unit normals (B, 3, H, W) in -1..1, green in the same direction in both.

C. Barré-Brisebois, S. Hill, Blending in detail, 2012.
"""

from collections.abc import Callable

import torch

from .normals import unit


def scale_slopes(normals: torch.Tensor, factor: torch.Tensor | float) -> torch.Tensor:
    """Multiply the slopes that normals stand for; `factor` is a number or (B, 1, H, W). 0 is flat."""
    return unit(torch.cat([normals[:, :2] * factor, normals[:, 2:]], dim=1))


def reoriented(base: torch.Tensor, detail: torch.Tensor) -> torch.Tensor:
    """RNM: the detail is turned as a whole onto the base, as if the base were its flat ground."""
    t = base + base.new_tensor([0.0, 0.0, 1.0])[:, None, None]
    u = detail * detail.new_tensor([-1.0, -1.0, 1.0])[:, None, None]
    return unit(t * (t * u).sum(dim=1, keepdim=True) / t[:, 2:].clamp(min=1e-6) - u)


def partial_derivative(base: torch.Tensor, detail: torch.Tensor) -> torch.Tensor:
    """The slopes add up: exactly the normals of the sum of both heights."""
    sideways = base[:, :2] * detail[:, 2:] + detail[:, :2] * base[:, 2:]
    return unit(torch.cat([sideways, base[:, 2:] * detail[:, 2:]], dim=1))


def whiteout(base: torch.Tensor, detail: torch.Tensor) -> torch.Tensor:
    """Sideways parts add up, upright parts multiply: cheap, a little flatter than the sum of heights."""
    return unit(torch.cat([base[:, :2] + detail[:, :2], base[:, 2:] * detail[:, 2:]], dim=1))


def udn(base: torch.Tensor, detail: torch.Tensor) -> torch.Tensor:
    """Sideways parts add up on the base's upright part: cheapest, weak detail on steep ground."""
    return unit(torch.cat([base[:, :2] + detail[:, :2], base[:, 2:]], dim=1))


BLENDS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "reoriented (RNM)": reoriented,
    "partial derivative": partial_derivative,
    "whiteout": whiteout,
    "UDN": udn,
}
