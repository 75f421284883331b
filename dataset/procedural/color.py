"""The palettes that materials draw from, and the mixing of colours in Oklab, where equal steps look equally large."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from ...common.oklab import oklab_from_hex


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
        elements = torch.stack([_moved(oklab_from_hex(color), turn, chroma, lightness) for color in self.elements])
        return DrawnPalette(elements, _moved(oklab_from_hex(self.between), turn, chroma, between_lightness))


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
    lightness_before, a, b = lab.tolist()
    cos, sin = math.cos(turn) * chroma, math.sin(turn) * chroma
    return torch.tensor([min(max(lightness_before + lightness, 0.12), 0.96), a * cos - b * sin, a * sin + b * cos])
