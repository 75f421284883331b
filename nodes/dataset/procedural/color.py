"""Colour in Oklab, where equal steps look equally large, and the palettes that materials draw from.

Oklab: Björn Ottosson, "A perceptual color space for image processing" (2020).
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

_TO_LMS = torch.tensor(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566], [0.0883024619, 0.2817188376, 0.6299787005]]
)
_TO_LAB = torch.tensor(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099], [0.0259040371, 0.7827717662, -0.8086757660]]
)
_FROM_LAB = torch.linalg.inv(_TO_LAB)
_FROM_LMS = torch.linalg.inv(_TO_LMS)


def oklab_from_srgb(srgb: torch.Tensor) -> torch.Tensor:
    """(3, ...) sRGB in 0..1 to Oklab."""
    linear = torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    lms = torch.tensordot(_TO_LMS, linear, 1)
    return torch.tensordot(_TO_LAB, lms.sign() * lms.abs() ** (1 / 3), 1)


def srgb_from_oklab(lab: torch.Tensor) -> torch.Tensor:
    """(3, ...) Oklab to sRGB, clipped to 0..1."""
    linear = torch.tensordot(_FROM_LMS, torch.tensordot(_FROM_LAB, lab, 1) ** 3, 1).clamp(0, 1)
    return torch.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def from_hex(color: str) -> torch.Tensor:
    """(3,) Oklab of "#rrggbb"."""
    return oklab_from_srgb(torch.tensor([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]))


def to_hex(lab: torch.Tensor) -> str:
    """"#rrggbb" of (3,) Oklab."""
    return "#" + "".join(f"{round(float(channel) * 255):02x}" for channel in srgb_from_oklab(lab))


@dataclass(frozen=True)
class Palette:
    """Colours that occur together: those of the elements, the commonest first, and that of what lies between."""

    name: str
    elements: tuple[str, ...]
    between: str = "#808080"

    def drawn(self, rng: np.random.Generator, variation: float) -> "DrawnPalette":
        """One instance: all colours turned and shifted together, as another quarry or another dye would be."""
        turn = variation * rng.normal(0, math.radians(5))
        chroma = 1 + variation * float(np.clip(rng.normal(0, 0.1), -0.25, 0.15))
        lightness = variation * float(np.clip(rng.normal(0, 0.035), -0.08, 0.08))
        between_lightness = variation * float(np.clip(rng.normal(0, 0.05), -0.1, 0.1))
        elements = torch.stack([_moved(from_hex(color), turn, chroma, lightness) for color in self.elements])
        return DrawnPalette(elements, _moved(from_hex(self.between), turn, chroma, between_lightness))


@dataclass(frozen=True)
class DrawnPalette:
    """Oklab colours: elements (N, 3), between (3,)."""

    elements: torch.Tensor
    between: torch.Tensor

    def for_elements(self, rng: np.random.Generator, count: int, spread: float, mixing: float = 0.35) -> torch.Tensor:
        """(3, count) a colour for each element: near the first colour, mixed with the others by `mixing`, and
        scattered by `spread`, more in lightness than in hue."""
        weights = torch.from_numpy(rng.dirichlet([1.0, *[mixing] * (len(self.elements) - 1)], count)).float()
        scatter = torch.from_numpy(rng.standard_normal((3, count))).float().clamp(-2.2, 2.2)
        mixed = (weights @ self.elements).T
        lightness = mixed[:1] + spread * scatter[:1]
        saturation = 1 + 1.2 * spread * scatter[1:2] + 0.7 * spread * scatter[:1]  # what is paler is greyer, too
        return torch.cat([lightness, mixed[1:] * saturation + 0.05 * spread * scatter[1:]])


def over(below: torch.Tensor, color: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """Lay `color`, (3,) or (3, H, W), over (3, H, W) `below`; amount (H, W) is 0 for none, 1 for all of it."""
    color = color[:, None, None] if color.ndim == 1 else color
    return torch.lerp(below, color.expand_as(below), amount.clamp(0, 1).expand_as(below))


def lighter(color: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """(3, H, W) Oklab with `amount` added to its lightness, the chroma following so that it keeps its look."""
    lightness = color[0].clamp(min=0.05)
    scale = ((lightness + amount) / lightness).clamp(0.1, 2.0)
    return color * torch.stack([scale, scale.sqrt(), scale.sqrt()])


def _moved(lab: torch.Tensor, turn: float, chroma: float, lightness: float) -> torch.Tensor:
    l, a, b = lab.tolist()
    cos, sin = math.cos(turn) * chroma, math.sin(turn) * chroma
    return torch.tensor([min(max(l + lightness, 0.12), 0.96), a * cos - b * sin, a * sin + b * cos])
