"""What facades are built of: openings, windows, mouldings, pilasters, shutters, laid one upon the other.

x runs across a bay from its middle, y up from a floor's lower edge, both in cm. Distances are positive inside.
"""

import math
from dataclasses import dataclass

import torch

from .color import lighter, over
from .profiles import coverage, smoothstep


@dataclass(frozen=True)
class Opening:
    """A hole for a window: half width, sill and top in cm above the floor line, and the rise of its arch above the
    springing; 0 is a flat lintel, the half width a round arch."""

    half: float
    low: float
    high: float
    rise: float = 0.0

    def distance(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        sides = torch.minimum(self.half - x.abs(), y - self.low)
        if self.rise == 0:
            return torch.minimum(sides, self.high - y)
        radius = (self.half**2 + self.rise**2) / (2 * self.rise)
        arch = radius - torch.hypot(x, (y - (self.high - radius)).clamp(min=0))
        return torch.minimum(sides, arch)


class Elevation:
    """A wall as it grows: every part that is laid on it covers what was there. height (H, W) is in cm, color
    (3, H, W) Oklab, roughness and metallic (H, W); parts (H, W) name what shows."""

    def __init__(self, height: torch.Tensor, color: torch.Tensor, roughness: torch.Tensor, pixel: float) -> None:
        self.height, self.color, self.roughness = height, color, roughness
        self.metallic = torch.zeros_like(height)
        self.pixel = pixel  # in cm
        self.parts = {"wall": torch.ones_like(height)}

    def lay(
        self,
        distance: torch.Tensor,
        height: torch.Tensor | float,
        color: torch.Tensor,
        roughness: torch.Tensor | float,
        part: str,
        bevel: float = 0.0,
        metallic: float = 0.0,
    ) -> None:
        """Cover what lies inside `distance` with a part whose face is at `height`, its edge rounded over `bevel`."""
        cover = coverage(distance, self.pixel)
        face = torch.as_tensor(height, dtype=torch.float32)
        if bevel:
            face = face - 0.5 * bevel * (1 - (distance / bevel).clamp(0, 1)).square()
        self.height = torch.lerp(self.height, face.expand_as(cover), cover)
        self.color = over(self.color, color, cover)
        self.roughness = torch.lerp(self.roughness, torch.as_tensor(roughness).expand_as(cover), cover)
        self.metallic = torch.lerp(self.metallic, torch.full_like(cover, metallic), cover)
        self.parts = {name: shown * (1 - cover) for name, shown in self.parts.items()}
        self.parts[part] = self.parts.get(part, torch.zeros_like(cover)) + cover


@dataclass(frozen=True)
class Sashes:
    """How a window is divided: casements side by side, panes one above the other, and whether a light is above."""

    casements: int
    panes: int
    transom: bool


def box(x: torch.Tensor, y: torch.Tensor, half: float, low: float, high: float) -> torch.Tensor:
    """Distance to the outline of an upright rectangle about x = 0."""
    return torch.minimum(half - x.abs(), torch.minimum(y - low, high - y))


def moulding(y: torch.Tensor, low: float, high: float, projection: float) -> torch.Tensor:
    """How far a cornice stands out at the height y: a fillet, a hollow, the corona and a crowning roll."""
    t = ((y - low) / (high - low)).clamp(0, 1)
    hollow = 0.22 + 0.43 * smoothstep(t, 0.2, 0.5).square()
    corona = torch.where(t < 0.5, hollow, torch.where(t < 0.74, torch.tensor(0.82), torch.tensor(0.0)))
    roll = 0.82 + 0.18 * torch.sin(math.pi * ((t - 0.74) / 0.26).clamp(0, 1))
    return projection * torch.where(t < 0.12, torch.tensor(0.16), torch.where(t < 0.74, corona, roll))


def lay_cornice(
    wall: Elevation,
    x: torch.Tensor,
    y: torch.Tensor,
    half: float,
    low: float,
    high: float,
    projection: float,
    color: torch.Tensor,
    roughness: torch.Tensor | float,
    dentils: int = 0,
) -> None:
    """A cornice from low to high; with `dentils` of them across its width."""
    section = moulding(y, low, high, projection)
    if dentils:
        t = (y - low) / (high - low)
        place = x / (2 * half) * dentils
        tooth = smoothstep(0.3 - (place - place.floor() - 0.5).abs(), -0.04, 0.04)
        row = smoothstep(t, 0.17, 0.2) * (1 - smoothstep(t, 0.47, 0.5))
        section = torch.lerp(section, torch.full_like(section, 0.7 * projection), row * tooth)
    wall.lay(box(x, y, half, low, high), section, color, roughness, "trim", bevel=1.0)


def lay_window(
    wall: Elevation,
    x: torch.Tensor,
    y: torch.Tensor,
    opening: Opening,
    sashes: Sashes,
    frame: torch.Tensor,
    glass: torch.Tensor,
    inside: torch.Tensor,
    reveal: torch.Tensor,
) -> None:
    """The reveal, the frame and its bars, and glass before `inside`, (3, H, W) what is seen through it."""
    distance = opening.distance(x, y)
    wall.lay(distance, -9.0, reveal, 0.8, "wall", bevel=2.0)
    wall.lay(distance - 3.0, -11.0, frame, 0.45, "frames", bevel=1.5)
    panes = _panes(x, y, opening, sashes, distance)
    seen = over(inside, glass, torch.full_like(distance, 0.35))
    wall.lay(panes, -15.0, seen, 0.06, "glass")


def _panes(x: torch.Tensor, y: torch.Tensor, opening: Opening, sashes: Sashes, distance: torch.Tensor) -> torch.Tensor:
    """Distance to the outline of the pane that a pixel lies in."""
    width, height = 2 * opening.half, opening.high - opening.low
    place = (x + opening.half) / width * sashes.casements
    post = width / sashes.casements * (0.5 - (place - place.floor() - 0.5).abs()) - 3.6
    split = opening.low + 0.68 * height if sashes.transom else opening.high
    rest = (y - opening.low) / (split - opening.low) * sashes.panes
    bar = (split - opening.low) / sashes.panes * (0.5 - (rest - rest.floor() - 0.5).abs()) - 1.6
    bar = torch.where(y > split, y - split - 3.0, bar)
    if sashes.transom:
        bar = torch.where(y <= split, torch.minimum(bar, split - y - 3.0), bar)
    return torch.minimum(torch.minimum(distance - 7.5, post), bar)


def lay_shutters(
    wall: Elevation, x: torch.Tensor, y: torch.Tensor, opening: Opening, color: torch.Tensor, worn: torch.Tensor
) -> None:
    """Louvred shutters folded back to both sides."""
    half = 0.5 * opening.half
    beside = x.abs() - opening.half - half - 3.0
    leaf = box(beside, y, half, opening.low - 1.0, opening.high - opening.rise + 1.0)
    wall.lay(leaf, 4.0, lighter(color, -0.02 + 0.02 * worn), 0.6, "shutters", bevel=1.2)
    middle = (opening.low + opening.high - opening.rise) / 2
    rail = torch.minimum(leaf - 6.5, (y - middle).abs() - 4.0)
    slat = (y - opening.low) / 7.0
    slope = slat - slat.floor()
    louvre = 1.6 + 2.2 * slope
    shade = lighter(color, 0.05 * (slope - 0.6) + 0.03 * worn - 0.05 * smoothstep(-slope, -0.14, 0.0))
    wall.lay(rail, louvre, shade, 0.6, "shutters")


def lay_pilaster(
    wall: Elevation,
    x: torch.Tensor,
    y: torch.Tensor,
    half: float,
    low: float,
    high: float,
    color: torch.Tensor,
    roughness: torch.Tensor | float,
    flutes: int,
) -> None:
    """A flat column about x = 0 with a base and a capital, its shaft with `flutes` grooves."""
    shaft = torch.full_like(x, 7.0)
    if flutes:
        place = (x / (1.7 * half) + 0.5) * flutes
        groove = (1 - ((place - place.floor() - 0.5) / 0.38).square()).clamp(min=0).sqrt()
        reach = smoothstep(y, low + 34, low + 38) * (1 - smoothstep(y, high - 40, high - 36))
        shaft = shaft - 2.6 * groove * reach * (x.abs() < 0.85 * half)
    wall.lay(box(x, y, half, low, high), shaft, color, roughness, "trim", bevel=0.8)
    for bottom, top, wider, out in ((low, low + 14, 5, 11.0), (low + 14, low + 22, 2.5, 9.0)):
        wall.lay(box(x, y, half + wider, bottom, top), out, color, roughness, "trim", bevel=3.0)
    for bottom, top, wider, out in (
        (high - 30, high - 25, 1.5, 9.0),
        (high - 18, high - 8, 3, 10.0),
        (high - 8, high, 6, 13.0),
    ):
        wall.lay(box(x, y, half + wider, bottom, top), out, color, roughness, "trim", bevel=2.5)


def lay_pediment(
    wall: Elevation,
    x: torch.Tensor,
    y: torch.Tensor,
    half: float,
    low: float,
    form: str,
    color: torch.Tensor,
    roughness: torch.Tensor | float,
) -> None:
    """What crowns a window: a straight hood, a triangle or a segment over it."""
    lay_cornice(wall, x, y, half, low, low + 15, 13.0, color, roughness)
    if form == "straight":
        return
    rise = 0.42 * half
    if form == "triangular":
        slope = math.hypot(1, rise / half)
        top = (rise * (1 - x.abs() / half) - (y - low - 15)) / slope
    else:
        radius = (half**2 + rise**2) / (2 * rise)
        top = radius - torch.hypot(x, y - (low + 15 + rise - radius))
    inside = torch.minimum(top, y - low - 15)
    wall.lay(inside, 5.0, lighter(color, torch.tensor(-0.02)), roughness, "trim", bevel=1.0)
    rim = torch.minimum(inside, 9.0 - top)
    wall.lay(rim, 13.0 - 0.6 * top.clamp(0, 9), color, roughness, "trim", bevel=1.0)
