"""Hexagonal tiles: a hexagonal lattice closed on the square torus, glazed, matt, stone or metal."""

import torch

from ...common.oklab import oklab_from_hex
from .cells import Cells, voronoi
from .color import DrawnPalette, Palette, lighter, over
from .parameters import Choice, Parameters, Range, Values
from .profiles import coverage, rounded, smoothstep
from .surface import Material, Surface
from .torus import Torus

# Columns and the even number of rows nearest to a regular lattice; the tiles are at most 4 % from regular.
ROWS = {5: 6, 7: 8, 9: 10, 12: 14}

PARAMETERS: Parameters = {
    "columns": Choice("tiles across", ("7", "5", "9", "12"), (3, 3, 2, 1)),
    "finish": Choice("finish", ("glazed", "matt", "stone", "metal"), (3, 2, 2, 1.2)),
    "pattern": Choice("pattern", ("plain", "mixed", "flowers", "stripes"), (3, 3, 1.5, 1)),
    "gap": Range("joint width in mm", 1.5, 6.0, 3.0, "narrow joints", "wide joints"),
    "bevel": Range("bevel in mm", 0.8, 4.0, 2.0, "crisp edges", "soft rounded edges"),
    "unevenness": Range("unevenness", 0.0, 1.0, 0.3, "flat tiles", "uneven handmade tiles"),
    "wear": Range("wear", 0.0, 1.0, 0.3, "new", "worn and chipped"),
    "dirt": Range("dirt", 0.0, 1.0, 0.3, "clean joints", "dirty joints"),
    "color_variation": Range("colour variation", 0.1, 1.0, 0.4, "even colour", "mixed colours"),
    "metal": Choice("metal", ("steel", "brass", "copper", "iron")),
}

PALETTES = (
    Palette("white and black", ("#d8d6d0", "#2c2d30", "#bdbbb5"), "#8b8780"),
    Palette("sea green", ("#5f8f86", "#3f6a68", "#9dbcae"), "#b5b0a4"),
    Palette("cobalt", ("#39548c", "#24375f", "#c9ccd0"), "#b9b5ac"),
    Palette("terracotta", ("#a85f40", "#8c4a33", "#c28562"), "#97897a"),
    Palette("grey", ("#8a8b8c", "#6b6c6e", "#a8a8a6"), "#5b5956"),
    Palette("cream and ochre", ("#d2c4a3", "#a97f3e", "#e2dac6"), "#8d8271"),
    Palette("charcoal", ("#3d3e41", "#2c2d2f", "#56565a"), "#77746f"),
    Palette("forest", ("#3f5a41", "#2d4332", "#6c8362"), "#a19a8a"),
    Palette("blush", ("#c6a294", "#a87d70", "#dcc6ba"), "#a49a90"),
    Palette("burgundy", ("#6d2f38", "#4f2129", "#945860"), "#8f877d"),
)

METALS = {"steel": "#b8b5b0", "brass": "#b58a55", "copper": "#9c6b4f", "iron": "#87898c"}  # seen head-on
TILE_CM = 5.0
ROUGHNESS = {"glazed": 0.14, "matt": 0.55, "stone": 0.45, "metal": 0.32}


def build(torus: Torus, p: Values, colors: DrawnPalette) -> Surface:
    columns = int(p["columns"])
    size_cm, count = columns * TILE_CM, columns * ROWS[columns]
    u, v = torus.moved(0.0, 0.5 / ROWS[columns])
    cells = voronoi(_lattice(columns), u, v, 0.02 * TILE_CM / size_cm)
    ids = cells.ids
    ragged = torus.noise("ragged", size_cm / 2, size_cm / 0.2, 1.2)
    chips = smoothstep(torus.noise("chips", size_cm / 3, size_cm / 0.3, 1.2), 2.6 - 1.1 * p["wear"], 3.6) * p["wear"]
    distance = cells.border * size_cm - p["gap"] / 20 + 0.012 * (0.3 + p["unevenness"]) * ragged - 0.5 * chips
    tile = coverage(distance, size_cm * torus.pixel)
    grain = torus.noise("grain", size_cm / 0.6, size_cm / 0.08, 0.2)
    height = _height(torus, p, cells, count, distance, tile, grain, ragged, size_cm)
    face, dull = _face(torus, p, colors, ids, count, distance, size_cm)
    joint = lighter(colors.between[:, None, None].expand_as(face), 0.02 * grain - 0.07 * p["dirt"])
    soiled = smoothstep(-distance, -0.5, 0.05) * smoothstep(ragged, -0.8, 1.8) * p["dirt"]
    face = over(face, oklab_from_hex("#4b4238"), 0.45 * soiled)
    roughness = ROUGHNESS[p["finish"]] + dull + 0.35 * soiled
    metallic = tile * (1 - soiled) if p["finish"] == "metal" else torch.zeros_like(tile)
    roughness = torch.lerp(0.88 + 0.02 * grain, roughness, tile)
    unseen = frozenset({"palette", "pattern"} if p["finish"] == "metal" else {"metal"})
    parts = {"tile": tile, "joint": 1 - tile}
    return Surface(size_cm, over(joint, face, tile), height, roughness, metallic, parts, unseen)


def _lattice(columns: int) -> torch.Tensor:
    """(N, 2) tile centres, every second row shifted by half a tile."""
    rows = ROWS[columns]
    row = torch.arange(rows).repeat_interleave(columns)
    column = torch.arange(columns).repeat(rows)
    return torch.stack([(column + 0.25 + 0.5 * (row % 2)) / columns, (row + 0.5) / rows], -1)


def _height(
    torus: Torus,
    p: Values,
    cells: Cells,
    count: int,
    distance: torch.Tensor,
    tile: torch.Tensor,
    grain: torch.Tensor,
    ragged: torch.Tensor,
    size_cm: float,
) -> torch.Tensor:
    bevel = p["bevel"] / 10
    level, tilt_u, tilt_v = torus.normal_table("level", 3 * count).view(3, -1)[:, cells.ids]
    tilt = (tilt_u * cells.offset[0] + tilt_v * cells.offset[1]) * size_cm / TILE_CM
    face = 0.02 * p["unevenness"] * (level + 2 * tilt) - 0.6 * bevel * (1 - rounded(distance, bevel))
    waves = torus.pieces(torus.noise("waves", size_cm / 5, size_cm / 1.2, 1.8), cells.ids, "waves", count)
    pits = smoothstep(torus.noise("pits", size_cm / 1.0, size_cm / 0.1, 0.6), 1.5, 2.6)
    relief = {"glazed": (0.02, 0.0), "matt": (0.006, 0.004), "stone": (0.01, 0.02), "metal": (0.012, 0.0)}[p["finish"]]
    face = face + relief[0] * (0.3 + p["unevenness"]) * waves - relief[1] * (pits + 0.15 * grain)
    joint = -0.18 - 0.5 * bevel + 0.012 * grain
    return torch.lerp(joint, face, tile)


def _face(
    torus: Torus, p: Values, colors: DrawnPalette, ids: torch.Tensor, count: int, distance: torch.Tensor, size_cm: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Colour (3, H, W) of the tiles, and how much duller than its finish each spot is."""
    if p["finish"] == "metal":
        return _metal(torus, p, ids, count, size_cm)
    index = _tile_colors(torus, p["pattern"], int(p["columns"]))
    scatter = colors.for_elements(torus.rng("tile colors"), count, 0.04 * p["color_variation"], 0.0)
    color = (colors.elements[index].T + scatter - colors.elements[0][:, None])[:, ids]
    cloud = torus.pieces(torus.noise("cloud", size_cm / 5, size_cm / 0.8, 1.4), ids, "cloud", count)
    fine = torus.pieces(torus.noise("fine", size_cm / 1.0, size_cm / 0.1, 0.7), ids, "fine", count)
    if p["finish"] == "glazed":  # the glaze runs thin towards the edges and pools where it may
        color = lighter(color, 0.018 * cloud + 0.05 * smoothstep(-distance, -0.5, 0.0) * (0.5 + p["unevenness"]))
        return color, 0.03 * cloud.abs() + 0.25 * p["wear"] * smoothstep(fine, 0.8, 2.5)
    if p["finish"] == "matt":
        return lighter(color, 0.022 * cloud + 0.016 * fine), 0.04 * fine + 0.1 * p["wear"]
    vein = torus.pieces(torus.noise("vein", size_cm / 7, size_cm / 0.5, 1.5), ids, "vein", count)
    veins = 1 - smoothstep(vein.abs(), 0.0, 0.16)
    color = over(
        lighter(color, 0.04 * cloud + 0.02 * fine), colors.elements[2], 0.5 * veins * smoothstep(cloud, -1.0, 1.0)
    )
    return color, 0.08 * cloud.clamp(-1, 2) + 0.25 * p["wear"]


def _metal(torus: Torus, p: Values, ids: torch.Tensor, count: int, size_cm: float) -> tuple[torch.Tensor, torch.Tensor]:
    metal = oklab_from_hex(METALS[p["metal"]])
    brushed = torus.pieces(torus.noise("brushed", size_cm / 2, size_cm / 0.08, 0.4, (12, 1)), ids, "brushed", count)
    tarnish = torus.pieces(torus.noise("tarnish", size_cm / 8, size_cm / 0.6, 1.4), ids, "tarnish", count)
    spots = smoothstep(tarnish, 0.6, 2.4) * (0.2 + 0.8 * p["wear"])
    shade = 0.03 * p["color_variation"] * torus.normal_table("shade", count)[ids]
    color = lighter(metal[:, None, None].expand(3, *ids.shape), 0.012 * brushed + shade)
    return over(color, metal * torch.tensor([0.6, 1.3, 1.3]), 0.6 * spots), 0.05 * brushed + 0.3 * spots


def _tile_colors(torus: Torus, pattern: str, columns: int) -> torch.Tensor:
    """(count,) the palette's colour number of each tile."""
    rows = ROWS[columns]
    row, column = torch.arange(rows)[:, None], torch.arange(columns)[None, :]
    if pattern == "mixed":
        weights = torus.table("mix", rows * columns)
        return torch.bucketize(weights, torch.tensor([0.6, 0.85]))
    if pattern == "stripes":
        return ((row // 2) % 2 + 0 * column).reshape(-1)
    if pattern == "flowers":
        return _flowers(torus, row, column, columns).reshape(-1)
    return torch.zeros(rows * columns, dtype=torch.long)


def _flowers(torus: Torus, row: torch.Tensor, column: torch.Tensor, columns: int) -> torch.Tensor:
    """A dark middle with a ring of six, at a few places that do not touch."""
    colors = torch.zeros(row.shape[0], columns, dtype=torch.long)
    for top, left in ((1, 1), (1 + row.shape[0] // 2, 1 + columns // 2)):
        shift = top % 2
        ring = [(0, -1), (0, 1), (-1, shift - 1), (-1, shift), (1, shift - 1), (1, shift)]
        for down, right in ring:
            colors[(top + down) % row.shape[0], (left + right) % columns] = 1
        colors[top, left] = 2
    return colors


HEXAGONS = Material("hexagon tiles", PARAMETERS, PALETTES, build)
