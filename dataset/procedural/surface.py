"""What a generator makes of its parameters, before it becomes map files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from .color import DrawnPalette, Palette
from .parameters import ParameterSpec, Values
from .torus import Torus


@dataclass(frozen=True)
class Surface:
    """A piece of a surface, size_cm wide. color (3, H, W) is Oklab reflectance without any light, height (H, W) is
    in cm, roughness and metallic (H, W) are 0..1. parts names regions (H, W, 0..1) whose colour goes on record. unseen
    are the parameters that change nothing here ("palette" among them), so that no caption speaks of them. opacity
    (H, W) is 0 where one sees through, None where nothing is open."""

    size_cm: float
    color: torch.Tensor
    height: torch.Tensor
    roughness: torch.Tensor
    metallic: torch.Tensor
    parts: Mapping[str, torch.Tensor]
    unseen: frozenset[str] = frozenset()
    opacity: torch.Tensor | None = None


@dataclass(frozen=True)
class Material:
    """A family of surfaces: which parameters and palettes it draws from, and how it builds one of them.

    see_through: its surfaces have an opacity.
    """

    label: str
    parameters: Mapping[str, ParameterSpec]
    palettes: tuple[Palette, ...]
    build: Callable[[Torus, Values, DrawnPalette], Surface]
    see_through: bool = False
