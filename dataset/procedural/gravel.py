"""Gravel: pebbles or crushed stone of several sizes, the larger ones lying on the smaller."""

from dataclasses import dataclass

import torch

from .cells import random_sites, voronoi
from .color import DrawnPalette, Palette, lighter, over
from .parameters import Count, Parameters, Range, Values
from .profiles import smoothstep
from .surface import Material, Surface
from .torus import Torus

PARAMETERS: Parameters = {
    "stones": Count("stones across", 9, 18, 13, "coarse gravel", "fine gravel"),
    "roundness": Range("roundness", 0.0, 1.0, 0.6, "crushed angular stones", "round river pebbles"),
    "large": Range("share of large stones", 0.25, 0.85, 0.55, "mostly small stones", "mostly large stones"),
    "flatness": Range("flatness", 0.0, 1.0, 0.4, "plump stones", "flat stones"),
    "sand": Range("sand", 0.0, 1.0, 0.3, "", "sand between the stones"),
    "veins": Range("veins", 0.0, 1.0, 0.3, "plain stones", "veined stones"),
    "wetness": Range("wetness", 0.0, 1.0, 0.1, "dry", "wet"),
    "color_variation": Range("colour variation", 0.2, 1.0, 0.6, "even colour", "mixed colours"),
}

PALETTES = (
    Palette("river grey", ("#8b8883", "#6d6c6a", "#a8a49a", "#7b6f63", "#565759"), "#6b6255"),
    Palette("golden", ("#b69a6d", "#9b7f54", "#cdb58c", "#8b6a4a", "#d8c9a8"), "#8b7351"),
    Palette("granite chippings", ("#8c8d8f", "#737476", "#a3a3a3", "#5f6062", "#9b8f8a"), "#55534f"),
    Palette("basalt", ("#4a4b4e", "#3b3c3f", "#5d5d5f", "#55504c"), "#37342f"),
    Palette("white marble", ("#d6d3cb", "#c3bfb6", "#e2e0da", "#aba79f"), "#9c968a"),
    Palette("red", ("#8a5a4c", "#73483e", "#a27263", "#7f6e63", "#5d4a44"), "#62503f"),
    Palette("beach", ("#a59d8f", "#7f8285", "#c5bba8", "#8d7566", "#5c6166"), "#a08f72"),
)

STONE_CM = 3.0


@dataclass(frozen=True)
class _Layer:
    """Stones of one size: height in cm over the lowest ground, -9 where there is none, colour, and how deep a pixel
    lies inside its stone, 0 at the outline to 1."""

    height: torch.Tensor
    color: torch.Tensor
    inside: torch.Tensor


def build(torus: Torus, p: Values, colors: DrawnPalette) -> Surface:
    cm = p["stones"] * STONE_CM
    sand = torus.noise("sand", cm / 1.0, cm / 0.08, 0.25)
    heap = torus.noise("heap", 1, cm / 4, 1.7)
    height = -0.75 + 0.25 * heap + 0.5 * p["sand"] + 0.014 * sand
    grains = smoothstep(sand, 0.6, 1.8) - 0.8 * smoothstep(-sand, 0.6, 1.8)
    color = lighter(colors.between[:, None, None].expand(3, *sand.shape), 0.045 * grains + 0.02 * heap)
    stone = torch.zeros_like(sand)
    for layer in _layers(torus, p, colors, cm):
        edge = 0.03 + 0.6 * cm * torus.pixel * 0.2
        on_top = smoothstep(layer.height - height, -edge, edge)
        height = torch.maximum(height, layer.height)
        shaded = lighter(layer.color, -0.02 * (1 - layer.inside))
        color = over(color, shaded, on_top)
        stone = torch.maximum(stone, on_top)
    color, roughness = _wetted(torus, p, color, height, stone, cm)
    parts = {"stones": stone} | ({"sand": 1 - stone} if p["sand"] > 0.5 else {})
    return Surface(cm, color, height, roughness, torch.zeros_like(height), parts)


def _layers(torus: Torus, p: Values, colors: DrawnPalette, cm: float) -> list[_Layer]:
    """From the finest, which covers the ground, to the coarsest."""
    across, large = p["stones"], p["large"]
    sizes = (
        ("grit", round(3.2 * across), 1.0, -0.55, 0.3),
        ("small", round(1.9 * across), 0.95, -0.25, 0.62),
        ("middle", round(1.3 * across), 0.45 + 0.4 * large, 0.0, 0.9),
        ("large", across, 0.75 * large, 0.3, 1.25),
    )
    return [_layer(torus, p, colors, cm, *size) for size in sizes]


def _layer(
    torus: Torus,
    p: Values,
    colors: DrawnPalette,
    cm: float,
    name: str,
    across: int,
    share: float,
    base: float,
    plump: float,
) -> _Layer:
    """`across` cells a side, of which `share` hold a stone that rises `plump` over its base, both in cm."""
    count = across * across
    warp = [0.06 / across * torus.noise(f"{name} warp {axis}", across / 3, 1.2 * across, 1.6) for axis in "uv"]
    sites = random_sites(torus, name, count, relaxations=3)
    rounding = (0.03 + 0.12 * p["roundness"]) / across
    cells = voronoi(sites, torus.u + warp[0], torus.v + warp[1], rounding)
    ids, width = cells.ids, cm / across
    gap = width * torus.table(f"{name} gap", count, 0.02, 0.13)[ids]
    chipped = 0.022 * width * (1.1 - p["roundness"]) * torus.noise(f"{name} chips", across, 8 * across, 1.4)
    distance = cells.border * cm - gap + chipped
    inside = (distance / (0.36 * width)).clamp(0, 1)
    laid = (torus.table(f"{name} laid", count) < share)[ids]
    height = _stone(torus, p, name, cells.offset * across, ids, count, inside, plump) + base
    height = torch.where(laid, height + 8 * distance.clamp(max=0), torch.tensor(-9.0))
    return _Layer(height, _color(torus, p, colors, name, ids, count, across, cm), inside)


def _stone(
    torus: Torus,
    p: Values,
    name: str,
    offset: torch.Tensor,
    ids: torch.Tensor,
    count: int,
    inside: torch.Tensor,
    plump: float,
) -> torch.Tensor:
    """Height of a stone over its base: a dome for pebbles, broken planes for crushed stone, both a little tilted."""
    exponent = 2.2 + 2.5 * p["flatness"]
    dome = (1 - (1 - inside) ** exponent).clamp(min=0) ** (0.5 + 0.25 * (1 - p["roundness"]))
    tilt = torus.normal_table(f"{name} tilt", 2 * count).view(2, -1)[:, ids]
    dome = dome + (0.12 + 0.2 * (1 - p["roundness"])) * (tilt * offset).sum(0)
    plane = [torus.normal_table(f"{name} plane {k}", 3 * count).view(3, -1)[:, ids] for k in range(3)]
    cut = torch.stack([0.75 + 0.2 * t + 0.55 * (a * offset[0] + b * offset[1]) for t, a, b in plane]).amin(0)
    facets = torch.minimum(dome, cut)
    shape = torch.lerp(facets, dome, min(1.0, 1.3 * p["roundness"]))
    level = torus.normal_table(f"{name} level", count)[ids]
    return plump * (1 - 0.45 * p["flatness"]) * shape + 0.12 * plump * level


def _color(
    torus: Torus, p: Values, colors: DrawnPalette, name: str, ids: torch.Tensor, count: int, across: int, cm: float
) -> torch.Tensor:
    spread, mixing = 0.06 * p["color_variation"], 0.15 + 0.8 * p["color_variation"]
    color = colors.for_elements(torus.rng(f"{name} colors"), count, spread, mixing)[:, ids]
    cloud = torus.pieces(torus.noise(f"{name} cloud", across / 2, 6 * across, 1.2), ids, f"{name} cloud", count)
    grain = torus.noise(f"{name} grain", cm / 0.5, cm / 0.06, 0.2)
    speckle = smoothstep(grain, 0.9, 2.0) - smoothstep(-grain, 0.9, 2.0)
    color = lighter(color, 0.025 * cloud + 0.02 * grain * (1 - p["roundness"]) + 0.03 * speckle)
    field = torus.pieces(torus.noise(f"{name} vein", across / 4, across, 1.8), ids, f"{name} vein", count)
    veined = (torus.table(f"{name} veined", count) < 0.5 * p["veins"])[ids]
    return over(color, torch.tensor([0.84, 0.0, 0.015]), 0.7 * veined * (1 - smoothstep(field.abs(), 0.05, 0.2)))


def _wetted(
    torus: Torus, p: Values, color: torch.Tensor, height: torch.Tensor, stone: torch.Tensor, cm: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Wet stone is darker, more colourful and smooth; what lies high dries first."""
    patches = torus.noise("wet", 1, cm / 3, 1.3)
    wet = p["wetness"] * smoothstep(0.5 * patches - 0.5 * height + 2.2 * p["wetness"], 0.4, 1.2)
    darker = color * torch.tensor([0.8, 1.15, 1.15])[:, None, None]
    dry = 0.82 - 0.12 * stone * p["roundness"]
    return over(color, darker, wet), torch.lerp(dry, torch.tensor(0.28), wet)


GRAVEL = Material("gravel", PARAMETERS, PALETTES, build)
