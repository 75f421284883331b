"""Cobblestones: relaxed Voronoi stones or setts in rows, domed and worn, with grit and moss between them."""

import torch

from ...common.oklab import oklab_from_hex
from .cells import Cells, random_sites, voronoi
from .color import DrawnPalette, Palette, lighter, over
from .parameters import Choice, Count, Parameters, Range, Values
from .profiles import coverage, smoothstep
from .surface import Material, Surface
from .torus import Torus

PARAMETERS: Parameters = {
    "pattern": Choice("pattern", ("irregular", "rows"), (3, 2)),
    "stones": Count("stones across", 4, 10, 6, "large stones", "small stones"),
    "gap": Range("gap in cm", 0.4, 1.6, 0.8, "tight gaps", "wide gaps"),
    "dome": Range("dome in cm", 0.8, 3.0, 1.8, "flat stones", "rounded stones"),
    "roundness": Range("roundness", 0.0, 1.0, 0.5, "angular stones", "round stones"),
    "irregularity": Range("irregularity", 0.1, 1.0, 0.45, "regular stones", "irregular stones"),
    "polish": Range("polish", 0.0, 1.0, 0.4, "rough stone", "polished by feet"),
    "moss": Range("moss", 0.0, 1.0, 0.1, "", "mossy gaps"),
    "color_variation": Range("colour variation", 0.15, 1.0, 0.5, "even colour", "mixed colours"),
    "speckle": Range("speckle", 0.1, 1.0, 0.5, "plain stone", "speckled stone"),
}

PALETTES = (
    Palette("grey granite", ("#838281", "#6d6d6f", "#979490", "#77706a"), "#4a443c"),
    Palette("warm sandstone", ("#a58e6f", "#917a5d", "#b8a488", "#8a6f5a"), "#5a4c3b"),
    Palette("dark basalt", ("#4c4d50", "#3e4043", "#5c5c5d", "#524c48"), "#33302c"),
    Palette("river stones", ("#8b8578", "#6e6f70", "#a79b87", "#7c6357"), "#5b5143"),
    Palette("red porphyry", ("#7f5c55", "#6a4b48", "#8f7168", "#75645f"), "#4b4139"),
    Palette("pale limestone", ("#b5ad9d", "#a49b8a", "#c6c0b2", "#a89c8c"), "#776c5b"),
    Palette("blue slate", ("#5f6873", "#525a63", "#717a82", "#6b6660"), "#3d3a35"),
)

STONE_CM = 11.0


def build(torus: Torus, p: Values, colors: DrawnPalette) -> Surface:
    size_cm = p["stones"] * STONE_CM
    cells, count = _stones(torus, p, size_cm)
    ids = cells.ids
    ragged = torus.noise("ragged", size_cm / 5, size_cm / 0.5, 1.3)
    gap = p["gap"] * torus.table("gap", count, 0.6, 1.4)[ids]
    distance = cells.border * size_cm - gap / 2 + (0.03 + 0.06 * (1 - p["roundness"])) * ragged
    stone = coverage(distance, size_cm * torus.pixel)
    grit = torus.noise("grit", size_cm / 1.6, size_cm / 0.25, 0.2)
    moss = _moss(torus, p, distance, size_cm)
    height = _height(torus, p, cells, count, distance, stone, grit, moss, size_cm)
    color = _stone_color(torus, p, colors, ids, count, distance, size_cm)
    pebbles = smoothstep(grit, 0.3, 1.6)
    soil = lighter(colors.between[:, None, None].expand_as(color), 0.03 * grit + 0.05 * pebbles)
    color = over(soil, color, stone)
    color = over(color, _moss_color(torus, grit, size_cm), moss)
    worn = smoothstep(distance, 0.3, 2.5) * p["polish"]
    roughness = 0.86 - 0.38 * worn * torus.table("worn", count, 0.5, 1.0)[ids] + 0.03 * ragged
    roughness = torch.lerp(torch.lerp(0.94 + 0.02 * grit, roughness, stone), torch.tensor(0.95), moss)
    clear = 1 - moss
    parts = {"stone": stone * clear, "gaps": (1 - stone) * clear} | ({"moss": moss} if p["moss"] > 0.3 else {})
    return Surface(size_cm, color, height, roughness, torch.zeros_like(height), parts)


def _stones(torus: Torus, p: Values, size_cm: float) -> tuple[Cells, int]:
    across = p["stones"]
    warp = 0.5 / size_cm * (0.4 + p["irregularity"])
    u = torus.u + warp * torus.noise("warp u", size_cm / 14, size_cm / 3, 2.0)
    v = torus.v + warp * torus.noise("warp v", size_cm / 14, size_cm / 3, 2.0)
    if p["pattern"] == "rows":
        sites = _sett_sites(torus, across, p["irregularity"])
    else:
        sites = random_sites(torus, "sites", across * across, relaxations=2 + round(8 * (1 - p["irregularity"])))
    rounding = (0.02 + 0.07 * p["roundness"]) * STONE_CM / size_cm
    return voronoi(sites, u, v, rounding), len(sites)


def _sett_sites(torus: Torus, across: int, irregularity: float) -> torch.Tensor:
    """Stones in an even number of rows, each row shifted by half a stone."""
    rows, columns = 2 * round(across * 0.55), across
    row = torch.arange(rows).repeat_interleave(columns)
    column = torch.arange(columns).repeat(rows)
    jitter = 0.2 * irregularity * torus.normal_table("jitter", 2 * rows * columns).view(2, -1)
    u = (column + 0.5 * (row % 2) + 0.25 + 0.8 * jitter[0]) / columns
    v = (row + 0.35 * jitter[1]) / rows
    return torch.stack([u % 1, v % 1], -1)


def _moss(torus: Torus, p: Values, distance: torch.Tensor, size_cm: float) -> torch.Tensor:
    patches = torus.noise("moss", 1, size_cm / 1.0, 1.2)
    reach = 2.4 * p["moss"] - 2.3 + 0.6 * patches
    return smoothstep(reach - distance, -0.1, 0.7) * smoothstep(torch.tensor(p["moss"]), 0.05, 0.3)


def _moss_color(torus: Torus, grit: torch.Tensor, size_cm: float) -> torch.Tensor:
    tufts = torus.noise("tufts", size_cm / 3, size_cm / 0.3, 0.6)
    green = over(
        oklab_from_hex("#4f5a2c")[:, None, None].expand(3, *grit.shape),
        oklab_from_hex("#76803f"),
        smoothstep(tufts, -0.5, 2.0),
    )
    return lighter(green, 0.03 * grit)


def _height(
    torus: Torus,
    p: Values,
    cells: Cells,
    count: int,
    distance: torch.Tensor,
    stone: torch.Tensor,
    grit: torch.Tensor,
    moss: torch.Tensor,
    size_cm: float,
) -> torch.Tensor:
    ids = cells.ids
    half = 0.42 * STONE_CM
    inward = (distance / half).clamp(0, 1)
    dome = p["dome"] * torus.table("dome", count, 0.75, 1.2)[ids] * (1 - (1 - inward) ** 2.6)
    tilt = torus.normal_table("tilt", 2 * count).view(2, -1)[:, ids]
    dome = dome + 0.035 * size_cm * (tilt * cells.offset).sum(0) + 0.12 * torus.normal_table("level", count)[ids]
    bumps = torus.pieces(torus.noise("bumps", size_cm / 8, size_cm / 1.0, 1.9), ids, "bumps", count)
    facets = torus.pieces(torus.noise("pits", size_cm / 2, size_cm / 0.3, 0.9), ids, "pits", count)
    dome = dome + (0.13 - 0.07 * p["polish"]) * bumps + (0.022 - 0.015 * p["polish"]) * facets
    soil = -0.9 + 0.08 * grit + 0.15 * torus.noise("settled", 2, size_cm / 3, 1.4)
    return torch.lerp(soil, dome, stone) + moss * (0.35 + 0.12 * grit) * (1 - 0.6 * stone)


def _stone_color(
    torus: Torus, p: Values, colors: DrawnPalette, ids: torch.Tensor, count: int, distance: torch.Tensor, size_cm: float
) -> torch.Tensor:
    spread = 0.055 * p["color_variation"]
    color = colors.for_elements(torus.rng("stone colors"), count, spread, 0.1 + 0.8 * p["color_variation"])[:, ids]
    cloud = torus.pieces(torus.noise("cloud", size_cm / 12, size_cm / 1.2, 1.3), ids, "cloud", count)
    grains = torus.noise("grains", size_cm / 0.9, size_cm / 0.12, 0.1)
    crystals = smoothstep(grains, 0.9, 2.0) - smoothstep(-grains, 0.9, 2.0)
    vein = 1 - smoothstep(
        torus.pieces(torus.noise("vein", size_cm / 10, size_cm / 2, 1.6), ids, "vein", count).abs(), 0.0, 0.09
    )
    color = lighter(color, 0.028 * cloud + p["speckle"] * (0.055 * crystals + 0.012 * grains))
    veined = torus.table("veined", count)[ids] > 0.82
    color = over(color, colors.elements[2] + torch.tensor([0.08, 0.0, 0.0]), 0.6 * vein * veined)
    rim = smoothstep(-distance, -1.5, 0.0)
    return over(color, colors.between, 0.45 * rim * smoothstep(cloud, -1.5, 1.0))


COBBLESTONE = Material("cobblestone", PARAMETERS, PALETTES, build)
