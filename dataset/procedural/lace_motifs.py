"""The ornaments of lace as outlines: rosettes of petals, leaves and scallops, and the garlands between them.

All lengths are in widths of a motif's cell. Distances are positive inside.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from .profiles import Petal, petal_distance


@dataclass(frozen=True)
class Shape:
    """A worked piece: distance (H, W) to its outline, its fill, and how wide the cord along its outline is."""

    distance: torch.Tensor
    fill: str
    cord: float = 0.0


def rosette(
    x: torch.Tensor, y: torch.Tensor, petals: int, form: str, radius: float, rng: np.random.Generator, cord: float
) -> list[Shape]:
    """A rosette around (0, 0) at (x, y), each (H, W), from its ground up to its heart."""
    fan = _wedge(x, y, petals)
    gap = _wedge(x, y, petals, half_turn=True)
    r, angle = torch.hypot(x, y), torch.atan2(y, x)
    wide = radius * math.tan(math.pi / petals)
    ring = radius * rng.uniform(0.3, 0.38)
    outer = Petal(ring, radius, min(rng.uniform(0.62, 0.8) * wide, 0.27 * radius), form)
    leaf = Petal(0.9 * ring, radius * rng.uniform(0.86, 0.98), min(0.34 * wide, 0.13 * radius), "pointed")
    shapes = [_disc(r, angle, petals, radius * rng.uniform(0.8, 0.9), rng.uniform(0.02, 0.12), "half stitch", cord)]
    shapes += _petal_shapes(*gap, leaf, "cloth", cord, vein=True)
    shapes += _petal_shapes(*fan, outer, "cloth", cord, vein=False)
    shapes += _inset(*fan, outer, rng, cord)
    shapes += _beads(x, y, 2 * petals, ring * 1.08, 0.035 * radius, cord)
    shapes.append(_disc(r, angle, petals, ring, rng.uniform(0.05, 0.2), "cloth", cord))
    shapes += _heart(x, y, r, petals, 0.8 * ring, rng, cord)
    return shapes


def picots(x: torch.Tensor, y: torch.Tensor, count: int, radius: float, size: float, cord: float) -> list[Shape]:
    """Small loops around a rosette."""
    along, across = _wedge(x, y, count)
    return [Shape(size - torch.hypot(along - radius, across), "open", cord)]


def sprig(x: torch.Tensor, y: torch.Tensor, petals: int, form: str, radius: float, cord: float) -> list[Shape]:
    """A small flower: one ring of petals around an eyelet."""
    fan = _wedge(x, y, petals)
    wide = radius * math.tan(math.pi / petals)
    shapes = _petal_shapes(
        *fan, Petal(0.15 * radius, radius, min(0.72 * wide, 0.34 * radius), form), "cloth", cord, vein=True
    )
    r = torch.hypot(x, y)
    return [*shapes, Shape(0.3 * radius - r, "cloth", cord), Shape(0.12 * radius - r, "open", 0.6 * cord)]


def ogee(u: torch.Tensor, v: torch.Tensor, width: float, point: float) -> torch.Tensor:
    """Distance to a band `width` wide that winds between the motifs at whole and at half places of (u, v) in a lattice
    of pointed arches; `point` says how pointed they are."""
    x, y = 2 * math.pi * u, 2 * math.pi * v
    level = torch.cos(x) + torch.cos(y) + point * (torch.cos(2 * y) - 1) * torch.sin(x).square()
    across = -torch.sin(x) + point * (torch.cos(2 * y) - 1) * torch.sin(2 * x)
    down = -torch.sin(y) - 2 * point * torch.sin(2 * y) * torch.sin(x).square()
    steep = 2 * math.pi * torch.hypot(across, down).clamp(min=0.35)
    return width / 2 - level.abs() / steep


def garland(x: torch.Tensor, y: torch.Tensor, leaves: int, size: float, cord: float) -> list[Shape]:
    """Stems that wind past the motifs at whole and at half places, with leaflets to both sides; x and y are measured
    from the nearest whole place."""
    phase = 2 * math.pi * y
    bow, slope = 0.275 + 0.145 * torch.cos(phase), -0.145 * 2 * math.pi * torch.sin(phase)
    side = (x.abs() - bow) / (1 + slope.square()).sqrt()
    leaf = Petal(0.0, size, 0.36 / leaves, "pointed")
    shapes = []
    for out, shift in ((side, 0.0), (-side, 0.5)):
        place = leaves * (y.abs() - 0.75 * out) + shift
        shapes.append(Shape(petal_distance(out, (place - place.round()).abs() / leaves, leaf), "cloth", 0.8 * cord))
    return [*shapes, Shape(0.008 - side.abs(), "cloth", 0.9 * cord)]


def _wedge(x: torch.Tensor, y: torch.Tensor, count: int, half_turn: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """(x, y) turned and mirrored into the one of `count` sectors around +x, y >= 0."""
    turns = torch.atan2(y, x) / (2 * math.pi) * count + (0.5 if half_turn else 0.0)
    angle = (turns - turns.round()).abs() * 2 * math.pi / count
    r = torch.hypot(x, y)
    return r * torch.cos(angle), r * torch.sin(angle)


def _disc(
    r: torch.Tensor, angle: torch.Tensor, petals: int, radius: float, scallop: float, fill: str, cord: float
) -> Shape:
    """A disc whose edge swings out into one scallop a petal."""
    lobes = torch.cos(petals * angle / 2).abs()
    return Shape(radius * (1 - scallop + scallop * lobes) - r, fill, cord)


def _petal_shapes(x: torch.Tensor, y: torch.Tensor, petal: Petal, fill: str, cord: float, vein: bool) -> list[Shape]:
    distance = petal_distance(x, y, petal)
    shapes = [Shape(distance, fill, cord)]
    if vein:
        shapes.append(Shape(torch.minimum(0.006 - y, distance - 0.02), "open", 0.4 * cord))
    return shapes


def _inset(x: torch.Tensor, y: torch.Tensor, petal: Petal, rng: np.random.Generator, cord: float) -> list[Shape]:
    """What the middle of a petal holds: an opening, half stitch, a ladder of bars or a row of eyelets."""
    length, inner = petal.end - petal.start, petal_distance(x, y, petal) - 0.3 * petal.half_width
    kind = rng.integers(4)
    if kind == 0:
        return [Shape(inner, "open", 0.8 * cord)]
    if kind == 1:
        return [Shape(inner, "half stitch", 0.8 * cord)]
    if kind == 2:
        bars = ((x - petal.start) / length * 9 - 0.5).round() * length / 9 + length / 18 + petal.start
        return [Shape(inner, "open", 0.8 * cord), Shape(torch.minimum(inner, 0.012 - (x - bars).abs()), "cloth")]
    places = ((x - petal.start) / length * 5 - 0.5).round().clamp(1, 3)
    middle = petal.start + (places + 0.5) * length / 5
    return [Shape(0.3 * petal.half_width - torch.hypot(x - middle, y), "open", 0.7 * cord)]


def _beads(x: torch.Tensor, y: torch.Tensor, count: int, radius: float, size: float, cord: float) -> list[Shape]:
    along, across = _wedge(x, y, count)
    return [Shape(size - torch.hypot(along - radius, across), "open", 0.8 * cord)]


def _heart(
    x: torch.Tensor, y: torch.Tensor, r: torch.Tensor, petals: int, radius: float, rng: np.random.Generator, cord: float
) -> list[Shape]:
    """The inner flower on its own open ground."""
    count = petals // 2 if petals >= 10 and rng.random() < 0.5 else petals
    fan = _wedge(x, y, count, half_turn=bool(rng.random() < 0.5))
    wide = radius * math.tan(math.pi / count)
    flower = Petal(0.2 * radius, 0.96 * radius, min(0.66 * wide, 0.3 * radius), ("round", "pointed")[rng.integers(2)])
    shapes = [Shape(radius - r, "open" if rng.random() < 0.6 else "half stitch", 0.8 * cord)]
    shapes += _petal_shapes(*fan, flower, "cloth", 0.8 * cord, vein=False)
    return [*shapes, Shape(0.3 * radius - r, "cloth", 0.8 * cord), Shape(0.13 * radius - r, "open", 0.6 * cord)]
