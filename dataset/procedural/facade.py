"""Facades seen frontally: bays and floors of a classical, a brick, a plastered or a modern house, endless both ways."""

import torch

from .color import DrawnPalette, Palette, lighter, over
from .facade_parts import Elevation
from .facade_styles import FLOOR_CM, Grid, lay_brick, lay_classical, lay_modern, lay_plastered, plain
from .parameters import Choice, Count, Parameters, Range, Values
from .profiles import coverage, smoothstep
from .surface import Material, Surface
from .torus import Torus, shortest_way

PARAMETERS: Parameters = {
    "style": Choice("facade style", ("classical", "brick", "plastered", "modern"), (4, 3, 3, 2)),
    "floors": Count("floors", 2, 4, 2, "", "many floors"),
    "proportion": Range("bay proportion", 0.95, 1.7, 1.35, "wide bays", "slender bays"),
    "arch": Choice("windows", ("flat", "round-arched", "segmental-arched"), (4, 2, 2)),
    "hood": Choice("window hoods", ("triangular", "segmental", "alternating", "straight"), (2, 1.5, 2, 2)),
    "casements": Count("casements", 1, 3, 2, "single windows", "triple windows"),
    "panes": Count("panes", 1, 4, 2, "large panes", "small panes"),
    "pilasters": Choice("pilasters", ("fluted", "plain", "none"), (2, 2, 1.5)),
    "cornice": Range("cornices", 0.4, 1.0, 0.7, "plain cornices", "heavy cornices"),
    "weathering": Range("weathering", 0.0, 1.0, 0.4, "clean", "weathered and stained"),
    "color_variation": Range("colour variation", 0.1, 1.0, 0.4, "even colour", "mixed colours"),
}

# The wall, a second tone of it, trim, joinery; the glass.
PALETTES = (
    Palette("sandstone", ("#b6a07a", "#a38c67", "#cbb896", "#e0dacb"), "#27313a"),
    Palette("ochre", ("#c39a5a", "#b0874c", "#d9c9a7", "#5c6f5b"), "#2a3238"),
    Palette("red brick", ("#8b4a3a", "#743b2f", "#c9bba3", "#e3ddd0"), "#2b343b"),
    Palette("yellow brick", ("#b79b6c", "#a28556", "#d3c6ab", "#3d4a46"), "#283036"),
    Palette("rose", ("#c0897a", "#ad7668", "#dccdbb", "#6b4a3b"), "#2c3339"),
    Palette("grey stone", ("#8f8e89", "#7d7c78", "#a9a8a2", "#d6d5cf"), "#29323a"),
    Palette("white", ("#d3cfc4", "#c2bdb1", "#e2dfd6", "#3f5566"), "#2b353d"),
    Palette("pale green", ("#93a08a", "#818f79", "#d0cdbb", "#ded9c9"), "#28322f"),
    Palette("blue grey", ("#7c8b97", "#6a7985", "#cfcfc8", "#e5e3dc"), "#252e37"),
    Palette("brown", ("#7b6250", "#695241", "#b9a88f", "#3c3029"), "#272d31"),
)


def build(torus: Torus, p: Values, colors: DrawnPalette) -> Surface:
    grid = _grid(torus, p)
    wall = _wall(torus, p, colors, grid)
    STYLES[p["style"]](torus, p, colors, grid, wall)
    color = _weathered(torus, p, wall, grid)
    fine = torus.noise("fine", 60, 500, 0.4)
    masonry = wall.parts["wall"] + 0.4 * wall.parts.get("trim", 0.0)
    color = lighter(color, 0.006 * fine * masonry)
    height = wall.height + 0.03 * fine * masonry
    parts = {name: shown for name, shown in wall.parts.items() if name in ("wall", "trim", "shutters", "glass")}
    unseen = UNSEEN[p["style"]]
    return Surface(grid.cm, color, height, wall.roughness, wall.metallic, parts, unseen)


def _grid(torus: Torus, p: Values) -> Grid:
    floors = p["floors"]
    cm = floors * FLOOR_CM
    bays = max(1, round(floors * p["proportion"]))
    u, v = torus.moved(0.22 / bays, 0.57 / floors)
    across, down = u * bays, v * floors
    bay, floor = across.floor(), down.floor()
    x = (across - bay - 0.5) * cm / bays
    y = (floor + 1 - down) * FLOOR_CM
    pier = shortest_way(across) * cm / bays
    return Grid(bays, floors, cm, x, pier, y, bay.long() % bays, floor.long() % floors)


def _wall(torus: Torus, p: Values, colors: DrawnPalette, grid: Grid) -> Elevation:
    """The bare wall: ashlar, bricks, plaster or concrete slabs."""
    cloud = torus.noise("cloud", 1, 40, 1.3)
    grain = torus.noise("grain", 40, 400, 0.7)
    color = over(plain(colors.elements[0], cloud), colors.elements[1], 0.6 * smoothstep(cloud, -0.4, 2.0))
    color = lighter(color, 0.012 * grain)
    height = 0.12 * grain + 0.25 * torus.noise("bulge", 1, 6, 1.6)
    if p["style"] == "brick":
        courses, face = _courses(torus, p, colors, grid, 24.0, 8.0, 1.0)
        color, height = over(color, face, courses * 0.9), height + 0.9 * courses
        color = over(lighter(plain(colors.elements[2], cloud), -0.08 + 0.02 * grain), color, courses)
    elif p["style"] == "classical":
        courses, face = _courses(torus, p, colors, grid, 92.0, 45.0, 1.2)
        color, height = over(color, face, 0.6 * courses), height + 1.1 * courses
        color = lighter(color, -0.05 * (1 - courses))
    return Elevation(height, color, 0.82 + 0.03 * grain, grid.cm * torus.pixel)


def _courses(
    torus: Torus, p: Values, colors: DrawnPalette, grid: Grid, long: float, tall: float, joint: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Stones or bricks in courses: how much of a pixel lies on one, and each one's own colour."""
    rows = 2 * grid.floors * max(1, round(FLOOR_CM / tall / 2))
    columns = grid.bays * max(1, round(grid.width / long))
    u, v = torus.moved(0.22 / grid.bays, 0.57 / grid.floors)
    row = (v * rows).floor()
    along = u * columns + 0.5 * (row % 2)
    column = along.floor()
    ids = ((row % rows) * columns + column % columns).long()
    x = (along - column - 0.5).abs() * grid.cm / columns
    y = (v * rows - row - 0.5).abs() * grid.cm / rows
    inside = torch.minimum(grid.cm / columns / 2 - x, grid.cm / rows / 2 - y) - joint / 2
    spread, mixing = 0.05 * p["color_variation"], 0.1
    both = DrawnPalette(colors.elements[:2], colors.between)
    face = both.for_elements(torus.rng("stone colors"), rows * columns, spread, mixing + p["color_variation"])[:, ids]
    return coverage(inside, max(grid.cm * torus.pixel, 0.6 * joint)), face


STYLES = {"classical": lay_classical, "brick": lay_brick, "plastered": lay_plastered, "modern": lay_modern}
UNSEEN = {
    "classical": frozenset(),
    "brick": frozenset({"hood"}),
    "plastered": frozenset({"pilasters", "hood"}),
    "modern": frozenset({"hood", "arch", "pilasters"}),
}


def _weathered(torus: Torus, p: Values, wall: Elevation, grid: Grid) -> torch.Tensor:
    """Soot that rain has drawn down below every ledge, and dust on what stands out."""
    streaks = torus.noise("streaks", 20, 300, 0.9, (1, 16)) + 0.6 * torus.noise("broad streaks", 6, 60, 1.0, (1, 6))
    solid = 1 - wall.parts["glass"]
    under = torch.zeros_like(grid.y)
    for ledge in (66.0, FLOOR_CM - 50):
        below = ((ledge - grid.y) / 110).clamp(0, 1)
        under = torch.maximum(under, (grid.y < ledge) * (1 - below).square())
    stain = smoothstep(streaks, -0.2, 2.2) * (0.25 + under)
    grime = smoothstep(-wall.height, -3.0, 9.0) * 0.3
    color = lighter(wall.color, -0.11 * p["weathering"] * solid * (stain + grime).clamp(0, 1))
    pale = smoothstep(torus.noise("bleached", 1, 90, 1.3), 0.8, 3.0) * p["weathering"] * solid
    return over(color, torch.tensor([0.76, 0.0, 0.015]), 0.25 * pale)


FACADE = Material("building facade", PARAMETERS, PALETTES, build)
