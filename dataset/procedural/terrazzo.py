"""Terrazzo: angular chips of marble and glass in cement, ground flat and polished."""

from dataclasses import dataclass

import torch

from .cells import random_sites, voronoi
from .color import DrawnPalette, Palette, lighter, over
from .parameters import Count, Parameters, Range, Values
from .profiles import coverage, smoothstep
from .surface import Material, Surface
from .torus import Torus

PARAMETERS: Parameters = {
    "chips": Count("chips across", 7, 13, 9, "large chips", "small chips"),
    "filling": Range("share of chips", 0.45, 0.9, 0.7, "sparse chips", "dense chips"),
    "splinters": Range("splinters", 0.2, 0.9, 0.55, "few splinters", "many splinters"),
    "veining": Range("veining", 0.0, 1.0, 0.35, "plain chips", "veined chips"),
    "color_variation": Range("colour variation", 0.2, 1.0, 0.6, "even colour", "mixed colours"),
    "polish": Range("polish", 0.0, 1.0, 0.7, "honed", "mirror polish"),
}

PALETTES = (
    Palette("venetian", ("#2f7f86", "#d0695f", "#e2a93b", "#2b3350", "#f3ece0"), "#e7ddcc"),
    Palette("rose", ("#c9838a", "#8c4654", "#e8c7c0", "#5c5350", "#f4ece6"), "#ead9d2"),
    Palette("midnight", ("#d8d4c8", "#5f86b5", "#8f8b86", "#c7a25a", "#b9c7cf"), "#2c3038"),
    Palette("sage", ("#6f8f78", "#3d5a4c", "#cdbf9a", "#a8653f", "#f0ede2"), "#d9dccb"),
)

CHIP_CM = 2.2


@dataclass(frozen=True)
class _Chips:
    """cover (H, W) 0..1: how much of a pixel is chip. color (3, H, W) of the chips. ids (H, W) and their count."""

    cover: torch.Tensor
    color: torch.Tensor
    ids: torch.Tensor
    count: int


def build(torus: Torus, p: Values, colors: DrawnPalette) -> Surface:
    size_cm = p["chips"] * CHIP_CM
    splinters = _chips(torus, p, colors, "splinters", 2 * p["chips"] + 3, 0.5 * p["splinters"], size_cm)
    chips = _chips(torus, p, colors, "chips", p["chips"], p["filling"], size_cm)
    sand = torus.noise("sand", size_cm / 0.9, size_cm / 0.08, 0.2)
    cloud = torus.noise("cloud", 1, size_cm / 3, 1.4)
    cement = lighter(colors.between[:, None, None].expand(3, *sand.shape), 0.012 * sand + 0.014 * cloud)
    color = over(over(cement, splinters.color, splinters.cover), chips.color, chips.cover)
    chip = torch.maximum(chips.cover, splinters.cover)
    level = 0.004 * torus.normal_table("level", chips.count)[chips.ids]
    height = torch.lerp(-0.02 + 0.002 * sand, level, chip)
    shine = 0.5 - 0.32 * p["polish"]
    roughness = torch.lerp(shine + 0.16 + 0.02 * sand, shine + 0.02 * cloud, chip)
    parts = {"chips": chips.cover, "cement": 1 - chip}
    return Surface(size_cm, color, height, roughness, torch.zeros_like(height), parts)


def _chips(
    torus: Torus, p: Values, colors: DrawnPalette, name: str, across: int, share: float, size_cm: float
) -> _Chips:
    """Cells that `share` of them are chips, each broken off by another width from its cell's border."""
    sites = random_sites(torus, name, across * across, relaxations=1)
    cells, count = voronoi(sites, torus.u, torus.v), len(sites)
    width = size_cm / across
    broken = width * torus.table(f"{name} broken", count, 0.04, 0.2)[cells.ids]
    ragged = 0.015 * width * torus.noise(f"{name} ragged", size_cm / 2, size_cm / 0.15, 1.0)
    cover = coverage(cells.border * size_cm - broken + ragged, size_cm * torus.pixel)
    laid = torus.table(f"{name} laid", count)[cells.ids] < share
    spread = 0.06 * p["color_variation"]
    color = colors.for_elements(torus.rng(f"{name} colors"), count, spread, 0.9)[:, cells.ids]
    return _Chips(cover * laid, _veined(torus, p, color, cells.ids, name, count, size_cm), cells.ids, count)


def _veined(
    torus: Torus, p: Values, color: torch.Tensor, ids: torch.Tensor, name: str, count: int, size_cm: float
) -> torch.Tensor:
    cloud = torus.pieces(torus.noise(f"{name} cloud", size_cm / 4, size_cm / 0.4, 1.2), ids, f"{name} cloud", count)
    field = torus.pieces(torus.noise(f"{name} vein", size_cm / 5, size_cm / 0.8, 1.5), ids, f"{name} vein", count)
    vein = 1 - smoothstep(field.abs(), 0.0, 0.12)
    veined = torus.table(f"{name} veined", count)[ids] < p["veining"]
    return lighter(lighter(color, 0.03 * cloud), 0.16 * vein * veined)


TERRAZZO = Material("terrazzo", PARAMETERS, PALETTES, build)
