"""Brick walls and pavings: bonds that close on the torus, worn faces, sanded mortar."""

from dataclasses import dataclass

import torch

from .color import DrawnPalette, Palette, lighter, over
from .parameters import Choice, Count, Parameters, Range, Values
from .profiles import coverage, rounded, rounded_box, smoothstep
from .surface import Material, Surface
from .torus import Torus

PARAMETERS: Parameters = {
    "bond": Choice(
        "bond", ("running", "stack", "third", "flemish", "herringbone", "basket"), (5, 1.5, 1.5, 1.5, 2, 1.5)
    ),
    "columns": Count("bricks across", 2, 5, 3, "large bricks", "small bricks"),
    "proportion": Range("brick proportion", 2.4, 3.8, 3.0, "stout bricks", "long bricks"),
    "gap": Range("joint width in cm", 0.6, 1.6, 1.0, "narrow joints", "wide joints"),
    "depth": Range("joint depth in cm", 0.25, 1.2, 0.6, "flush joints", "deep joints"),
    "irregularity": Range("irregularity", 0.0, 1.0, 0.4, "precise bricks", "handmade bricks"),
    "wear": Range("edge wear", 0.0, 1.0, 0.4, "crisp edges", "worn chipped edges"),
    "color_variation": Range("colour variation", 0.2, 1.0, 0.5, "even colour", "mixed colours"),
    "weathering": Range("weathering", 0.0, 1.0, 0.35, "clean", "weathered and stained"),
    "roughness": Range("roughness", 0.55, 0.92, 0.82, "smooth faces", "rough faces"),
}

PALETTES = (
    Palette("red clay", ("#96503c", "#7d3f30", "#a9654a", "#6a3a30"), "#a89f92"),
    Palette("orange terracotta", ("#b0683f", "#9a5533", "#c07f55", "#8a4a34"), "#b7ab98"),
    Palette("yellow stock", ("#b79a66", "#a5854f", "#c9b183", "#8d734c"), "#a79f8f"),
    Palette("brown", ("#6e5142", "#5c4438", "#836250", "#4d3a33"), "#8f877c"),
    Palette("charcoal", ("#4a4746", "#3c3a3b", "#5a5654", "#51453f"), "#7b7772"),
    Palette("whitewashed", ("#d5cfc4", "#c6bdb0", "#e0dcd3", "#b7a596"), "#c3bcb0"),
    Palette("grey concrete", ("#8d8c88", "#7d7c79", "#9b9994", "#858079"), "#6f6d69"),
    Palette("plum", ("#6d4146", "#583439", "#80555a", "#4c3134"), "#9a928a"),
)

COURSE_CM = 7.5  # a course of 6.5 cm bricks with their joints


@dataclass(frozen=True)
class Layout:
    """Which brick each pixel belongs to, where it lies from the brick's middle and the brick's half sizes in cm."""

    count: int
    ids: torch.Tensor
    x: torch.Tensor
    y: torch.Tensor
    half_width: torch.Tensor
    half_height: torch.Tensor
    size_cm: float


def build(torus: Torus, p: Values, colors: DrawnPalette) -> Surface:
    layout = LAYOUTS[p["bond"]](torus, p)
    size_cm, ids = layout.size_cm, layout.ids
    distance = _outline(torus, layout, p)
    brick = coverage(distance, size_cm * torus.pixel)
    relief = torus.pieces(torus.noise("relief", size_cm / 4, size_cm / 0.4, 1.2), ids, "relief", layout.count)
    pits = smoothstep(torus.noise("pits", size_cm / 2.5, size_cm / 0.4, 0.8), 1.1, 2.2)
    sand = torus.noise("sand", size_cm / 1.5, size_cm / 0.15, 0.3)
    height = _height(torus, p, layout, distance, brick, relief, pits, sand)
    face = _face_color(torus, p, colors, layout, distance, relief, pits)
    mortar = lighter(colors.between[:, None, None].expand_as(face), 0.035 * sand)
    color = _weathered(torus, p, over(mortar, face, brick), size_cm)
    roughness = p["roughness"] + 0.04 * relief + 0.08 * pits
    roughness = torch.lerp(0.9 + 0.02 * sand, roughness, brick)
    return Surface(size_cm, color, height, roughness, torch.zeros_like(height), {"brick": brick, "mortar": 1 - brick})


def _outline(torus: Torus, layout: Layout, p: Values) -> torch.Tensor:
    """Distance in cm to the brick's outline, which no two bricks have alike."""
    ids, count, cm = layout.ids, layout.count, layout.size_cm
    free = 0.3 * p["gap"] * p["irregularity"]  # bricks may shift by this much and not touch
    turn = 0.25 * free / layout.half_width.amax() * torus.normal_table("turn", count)[ids]
    x = layout.x - layout.y * turn - 0.4 * free * torus.normal_table("shift x", count)[ids]
    y = layout.y + layout.x * turn - 0.4 * free * torus.normal_table("shift y", count)[ids]
    shrink = free * torus.table("shrink", count)[ids] + p["gap"] / 2
    radius = (0.15 + 0.9 * p["wear"] * torus.table("radius", count, 0.3, 1.0))[ids]
    distance = rounded_box(x, y, layout.half_width - shrink, layout.half_height - shrink, radius)
    ragged = torus.noise("ragged", cm / 6, cm / 0.5, 1.2)
    chips = smoothstep(torus.noise("chips", cm / 9, cm / 1.0, 1.3), 2.0 - 1.1 * p["wear"], 3.2)
    return distance + (0.03 + 0.1 * p["irregularity"]) * ragged - 1.6 * p["wear"] * chips


def _height(
    torus: Torus,
    p: Values,
    layout: Layout,
    distance: torch.Tensor,
    brick: torch.Tensor,
    relief: torch.Tensor,
    pits: torch.Tensor,
    sand: torch.Tensor,
) -> torch.Tensor:
    ids, count = layout.ids, layout.count
    bevel = 0.15 + 0.6 * p["wear"] * torus.table("bevel", count, 0.5, 1.0)[ids]
    face = -0.7 * bevel * (1 - rounded(distance, bevel))
    tilt_x, tilt_y, level = (torus.normal_table(name, count)[ids] for name in ("tilt x", "tilt y", "level"))
    lift = 0.06 * (tilt_x * layout.x / layout.half_width + tilt_y * layout.y / layout.half_height + level)
    face = face + (0.2 + p["irregularity"]) * lift + 0.035 * relief - 0.12 * pits
    hollow = 0.12 * p["gap"] * smoothstep(-distance, 0.0, p["gap"] / 2)
    mortar = -p["depth"] - 0.25 - hollow + 0.025 * sand
    return torch.lerp(mortar, face, brick)


def _face_color(
    torus: Torus,
    p: Values,
    colors: DrawnPalette,
    layout: Layout,
    distance: torch.Tensor,
    relief: torch.Tensor,
    pits: torch.Tensor,
) -> torch.Tensor:
    ids, count, cm = layout.ids, layout.count, layout.size_cm
    spread, mixing = 0.05 * p["color_variation"], 0.1 + 0.7 * p["color_variation"]
    color = colors.for_elements(torus.rng("brick colors"), count, spread, mixing)[:, ids]
    burn = torus.pieces(torus.noise("burn", cm / 25, cm / 2, 1.5), ids, "burn", count)
    flashed = torus.table("flashed", count)[ids] * smoothstep(burn, 0.0, 2.0) * p["color_variation"]
    color = over(color, colors.elements[-1], 0.7 * flashed)
    speckle = torus.noise("speckle", cm / 1.2, cm / 0.2, 0.5)
    color = lighter(color, 0.016 * burn + 0.014 * relief + 0.02 * speckle - 0.07 * pits)
    rim = smoothstep(-distance, -0.9, -0.1) * smoothstep(relief + burn, -0.5, 1.5)
    return over(color, colors.elements.mean(0) + torch.tensor([0.09, 0.0, 0.01]), 0.55 * p["wear"] * rim)


def _weathered(torus: Torus, p: Values, color: torch.Tensor, cm: float) -> torch.Tensor:
    dirt = torus.noise("dirt", 1, cm / 3, 1.4)
    salt = torus.noise("salt", 2, cm / 0.6, 1.3)
    color = lighter(color, -0.035 * p["weathering"] * (dirt + 0.6))
    bloom = smoothstep(salt, 1.4, 3.4) * p["weathering"]
    return over(color, torch.tensor([0.84, 0.0, 0.012]), 0.6 * bloom)


def _coursed(torus: Torus, p: Values, widths: tuple[float, ...], shift: float) -> Layout:
    """Courses of bricks `widths` long (together 1), repeated `columns` times, every second one moved by `shift`."""
    columns = p["columns"]
    rows = 2 * max(1, round(columns * p["proportion"] / 2))
    edges = torch.tensor([0.0, *widths]).cumsum(0)
    u, v = torus.moved(0.21 / columns, 0.5 / rows)
    row = (v * rows).floor()
    along = u * columns + shift * (row % 2)
    place = along - along.floor()
    part = torch.bucketize(place, edges[1:-1], right=True)
    ids = ((row * columns + along.floor() % columns) * len(widths) + part).long()
    size_cm = rows * COURSE_CM
    unit = size_cm / columns
    middle, width = (edges[:-1] + edges[1:]) / 2, edges[1:] - edges[:-1]
    x = (place - middle[part]) * unit
    y = (v * rows - row - 0.5) * COURSE_CM
    half_height = torch.full_like(x, COURSE_CM / 2)
    return Layout(rows * columns * len(widths), ids, x, y, width[part] * unit / 2, half_height, size_cm)


def _herringbone(torus: Torus, p: Values) -> Layout:
    """Bricks of 2 x 1 cells; along each row of cells come a lying brick and one cell each of two standing ones."""
    cells = 4 * max(1, round(p["columns"] / 1.6))
    u, v = torus.moved(0.5 / cells, 0.5 / cells)
    i, j = (u * cells).floor(), (v * cells).floor()
    kind = (i - j) % 4  # 0, 1: left and right cell of a lying brick; 3, 2: upper and lower cell of a standing one
    left = i - (kind == 1).float()
    top = j - (kind == 2).float()
    return _paved(cells, u, v, kind < 2, left, top)


def _basket(torus: Torus, p: Values) -> Layout:
    """Blocks of two bricks, by turns lying and standing."""
    cells = 4 * max(1, round(p["columns"] / 1.6))
    u, v = torus.moved(0.5 / cells, 0.5 / cells)
    i, j = (u * cells).floor(), (v * cells).floor()
    lying = ((i / 2).floor() + (j / 2).floor()) % 2 == 0
    left = torch.where(lying, i - i % 2, i)
    top = torch.where(lying, j, j - j % 2)
    return _paved(cells, u, v, lying, left, top)


def _paved(
    cells: int, u: torch.Tensor, v: torch.Tensor, lying: torch.Tensor, left: torch.Tensor, top: torch.Tensor
) -> Layout:
    unit = 11.0  # cm: pavers are half as wide as long
    width, height = torch.where(lying, 2.0, 1.0), torch.where(lying, 1.0, 2.0)
    x = (u * cells - left - width / 2) * unit
    y = (v * cells - top - height / 2) * unit
    ids = ((top % cells) * cells + left % cells).long()
    return Layout(cells * cells, ids, x, y, width * unit / 2, height * unit / 2, cells * unit)


LAYOUTS = {
    "running": lambda torus, p: _coursed(torus, p, (1.0,), 0.5),
    "stack": lambda torus, p: _coursed(torus, p, (1.0,), 0.0),
    "third": lambda torus, p: _coursed(torus, p, (1.0,), 1 / 3),
    "flemish": lambda torus, p: _coursed(torus, p, (2 / 3, 1 / 3), 0.5),
    "herringbone": _herringbone,
    "basket": _basket,
}

BRICKS = Material("brick wall", PARAMETERS, PALETTES, build)
