"""Wooden planks: boards sawn from modelled trunks, with rings, fibres, knots, paint and nails."""

from dataclasses import dataclass

import torch

from ...common.oklab import oklab_from_hex
from .color import DrawnPalette, Palette, lighter, over
from .parameters import Choice, Count, Parameters, Range, Values
from .profiles import coverage, rounded, smoothstep
from .surface import Material, Surface
from .torus import Torus

PAINTS = {
    "white": "#d9d5ca",
    "blue": "#5f7f93",
    "green": "#6c8067",
    "red": "#8d4038",
    "yellow": "#c2a25a",
    "grey": "#8b8f8f",
}

PARAMETERS: Parameters = {
    "boards": Count("boards across", 3, 8, 5, "wide boards", "narrow boards"),
    "pieces": Count("boards along", 1, 2, 1, "long boards", "short boards"),
    "gap": Range("gap in cm", 0.15, 0.9, 0.35, "tight joints", "open gaps"),
    "rings": Range("rings per cm", 0.35, 1.1, 0.6, "broad grain", "fine grain"),
    "contrast": Range("grain contrast", 0.2, 1.0, 0.55, "subtle grain", "bold grain"),
    "knots": Range("knots", 0.0, 1.0, 0.35, "", "many knots"),
    "bevel": Range("bevel in cm", 0.1, 0.7, 0.3, "square edges", "rounded edges"),
    "wear": Range("wear", 0.0, 1.0, 0.35, "new", "worn and scratched"),
    "color_variation": Range("colour variation", 0.15, 1.0, 0.5, "even colour", "mixed colours"),
    "paint": Choice("paint", ("none", *PAINTS), (9, 1, 1, 0.8, 0.8, 0.6, 0.6)),
    "nails": Choice("nails", ("none", "steel"), (2, 1)),
    "roughness": Range("roughness", 0.4, 0.85, 0.62, "satin finish", "rough sawn"),
}

PALETTES = (
    Palette("oak", ("#a87f55", "#95693f", "#b9936a"), "#2a2019"),
    Palette("pine", ("#c9a36c", "#b88b52", "#d8b985"), "#3a2c1d"),
    Palette("walnut", ("#6b4a34", "#573a29", "#7d5a41"), "#1d1510"),
    Palette("weathered grey", ("#8e877d", "#78726a", "#a39c91"), "#2b2825"),
    Palette("mahogany", ("#7c4230", "#683424", "#8f5540"), "#21130e"),
    Palette("ash", ("#c8b394", "#b59d7b", "#d6c6ab"), "#3b3126"),
    Palette("dark stained", ("#453830", "#362b25", "#56473c"), "#15110e"),
    Palette("teak", ("#9a6f42", "#865c33", "#ad8457"), "#271b10"),
)

BOARD_CM = 13.0


@dataclass(frozen=True)
class Boards:
    """Which board each pixel belongs to and where it lies from the board's middle, x along the grain, in cm."""

    count: int
    ids: torch.Tensor
    x: torch.Tensor
    y: torch.Tensor
    length: float
    size_cm: float


@dataclass(frozen=True)
class Grain:
    """late (H, W): 1 in the dark late wood of a ring. knot: 1 inside a knot. fibres: fine streaks, variance 1."""

    late: torch.Tensor
    knot: torch.Tensor
    fibres: torch.Tensor


def build(torus: Torus, p: Values, colors: DrawnPalette) -> Surface:
    boards = _boards(torus, p)
    cm, pitch = boards.size_cm, boards.size_cm * torus.pixel
    ragged = torus.noise("ragged", cm / 12, cm / 0.8, 1.2, (4, 1))
    distance = torch.minimum(boards.length / 2 - boards.x.abs(), BOARD_CM / 2 - boards.y.abs()) - p["gap"] / 2
    distance = distance + (0.02 + 0.06 * p["wear"]) * ragged
    wood = coverage(distance, pitch)
    grain = _grain(torus, p, boards)
    nail, nail_distance = _nails(p, boards, pitch)
    scratches = smoothstep(torus.noise("scratches", cm / 3, cm / 0.3, 0.6, (14, 1)), 2.2, 3.2) * p["wear"]
    paint = _paint(torus, p, grain, distance, scratches, cm)
    height = _height(torus, p, boards, grain, distance, wood, paint) - 0.05 * scratches
    height = torch.lerp(height, 0.04 * rounded(nail_distance, 0.5), nail)
    color = _color(torus, p, colors, boards, grain, scratches)
    if p["paint"] != "none":
        tint = lighter(oklab_from_hex(PAINTS[p["paint"]])[:, None, None].expand_as(color), 0.015 * ragged)
        color = over(color, tint, paint)
    grime = smoothstep(-distance, -1.6, 0.0) * (0.4 + 0.6 * smoothstep(ragged, -1.0, 1.5))
    color = over(color, colors.between, 0.35 * (0.4 + p["wear"]) * grime)
    color = over(over(color, oklab_from_hex("#6b6560"), nail), colors.between, 1 - wood)
    roughness = p["roughness"] + 0.06 * grain.fibres - 0.08 * grain.late + 0.12 * scratches
    roughness = torch.lerp(torch.lerp(roughness, 0.5 * roughness + 0.25, paint), torch.tensor(0.45), nail)
    parts = {"wood": wood * (1 - nail), "gaps": 1 - wood}
    return Surface(cm, color, height, torch.lerp(torch.tensor(0.95), roughness, wood), nail * wood, parts)


def _boards(torus: Torus, p: Values) -> Boards:
    rows, pieces = p["boards"], p["pieces"]
    size_cm = rows * BOARD_CM
    u, v = torus.moved(0.0, 0.5 / rows)
    row = (v * rows).floor()
    offset = torus.table("joints", rows, 0.12, 0.88)[row.long()]
    along = u * pieces + offset
    ids = (row * pieces + along.floor() % pieces).long()
    length = size_cm / pieces
    x = (along - along.floor() - 0.5) * length
    y = (v * rows - row - 0.5) * BOARD_CM
    return Boards(rows * pieces, ids, x, y, length, size_cm)


def _grain(torus: Torus, p: Values, boards: Boards) -> Grain:
    """Rings around a pith that runs through or beside each board, at a slant, so that a board shows arches or lines."""
    ids, count, cm = boards.ids, boards.count, boards.size_cm
    pith = BOARD_CM * torus.table("pith", count, -1.3, 1.3)[ids]
    depth = torus.table("depth", count, 1.0, 7.0)[ids]
    slant = 0.09 * torus.normal_table("slant", count)[ids]
    wander = torus.pieces(torus.noise("wander", 2, cm / 3, 1.6, (5, 1)), ids, "wander", count)
    sway = torus.pieces(torus.noise("sway", 1, cm / 8, 1.6, (2, 1)), ids, "sway", count)
    radius = torch.hypot(boards.y - pith + 1.1 * sway, depth + slant * boards.x + 1.6 * wander)
    knot_distance, knot_size = _knots(torus, p, boards)
    nearness = torch.exp(-(knot_distance / (1.8 * knot_size + 0.01)).square())
    radius = radius + 2.2 * knot_size * nearness
    fibres = torus.pieces(torus.noise("fibres", cm / 2.5, cm / 0.2, 0.5, (30, 1)), ids, "fibres", count)
    density = p["rings"] * torus.table("density", count, 0.7, 1.4)[ids]
    knot = smoothstep(knot_size - knot_distance + 0.1 * wander, -0.15, 0.25)
    phase = torch.lerp(radius * density, knot_distance * 2.2, knot)
    return Grain(ring_profile(phase + 0.08 * fibres + 0.3 * wander, p["rings"] * cm * torus.pixel), knot, fibres)


def ring_profile(phase: torch.Tensor, rings_per_pixel: float) -> torch.Tensor:
    """A slow rise to the late wood, then a quick fall; rings too narrow for the pixels fade to their mean."""
    t = phase - phase.floor()
    fall = min(max(0.22, 1.3 * rings_per_pixel), 0.5)
    ring = torch.where(t < 1 - fall, (t / (1 - fall)) ** 2.2, 1 - smoothstep(t, 1 - fall, 1.0))
    visible = min(max(1.6 - 2.4 * rings_per_pixel, 0.0), 1.0)
    return torch.lerp(torch.tensor(0.35), ring, visible)


def _knots(torus: Torus, p: Values, boards: Boards) -> tuple[torch.Tensor, torch.Tensor]:
    """Distance to the nearer of a board's two knots, and that one's size; size 0 is no knot."""
    ids, count = boards.ids, boards.count
    nearest, size = torch.full_like(boards.x, 99.0), torch.zeros_like(boards.x)
    for name in ("first knot", "second knot"):
        present = torus.table(name, count) < 0.8 * p["knots"]
        own = torch.where(present, torus.table(name + " size", count, 0.6, 1.7), torch.zeros(count))[ids]
        x = (torus.table(name + " x", count, -0.42, 0.42) * boards.length)[ids]
        y = (torus.table(name + " y", count, -0.33, 0.33) * BOARD_CM)[ids]
        distance = torch.hypot((boards.x - x) / 1.35, boards.y - y)
        closer = (distance - own < nearest - size) & (own > 0)
        nearest, size = torch.where(closer, distance, nearest), torch.where(closer, own, size)
    return nearest, size


def _nails(p: Values, boards: Boards, pitch: float) -> tuple[torch.Tensor, torch.Tensor]:
    if p["nails"] == "none":
        return torch.zeros_like(boards.x), torch.zeros_like(boards.x)
    x = boards.x.abs() - boards.length / 2 + 2.4
    distance = 0.5 - torch.hypot(x, boards.y.abs() - 0.3 * BOARD_CM)
    return coverage(distance, pitch), distance


def _paint(
    torus: Torus, p: Values, grain: Grain, distance: torch.Tensor, scratches: torch.Tensor, cm: float
) -> torch.Tensor:
    """How much paint is left: it goes first at the edges, on the ridges of the grain and in patches."""
    if p["paint"] == "none":
        return torch.zeros_like(distance)
    patches = torus.noise("flakes", 2, cm / 0.5, 1.3, (2.5, 1))
    attack = 0.9 * patches + 0.5 * grain.late + 0.25 * grain.fibres + 1.3 * smoothstep(-distance, -1.2, 0.0)
    return 1 - smoothstep(attack + 3 * scratches, 2.3 - 2.2 * p["wear"], 2.6 - 2.2 * p["wear"])


def _height(
    torus: Torus,
    p: Values,
    boards: Boards,
    grain: Grain,
    distance: torch.Tensor,
    wood: torch.Tensor,
    paint: torch.Tensor,
) -> torch.Tensor:
    ids, count = boards.ids, boards.count
    level = 0.05 * torus.normal_table("level", count)[ids]
    cup = 0.1 * torus.normal_table("cup", count)[ids] * (2 * boards.y / BOARD_CM).square()
    edge = -0.8 * p["bevel"] * (1 - rounded(distance, p["bevel"]))
    relief = (0.02 + 0.05 * p["contrast"] * p["wear"]) * grain.late + 0.012 * grain.fibres + 0.05 * grain.knot
    board = level + cup + edge + relief * (1 - 0.6 * paint) + 0.02 * paint
    return torch.lerp(torch.tensor(-0.9 - p["bevel"]), board, wood)


def _color(
    torus: Torus, p: Values, colors: DrawnPalette, boards: Boards, grain: Grain, scratches: torch.Tensor
) -> torch.Tensor:
    ids, count, cm = boards.ids, boards.count, boards.size_cm
    mixing = 0.1 + 0.6 * p["color_variation"]
    color = colors.for_elements(torus.rng("board colors"), count, 0.05 * p["color_variation"], mixing)[:, ids]
    stain = torus.pieces(torus.noise("stain", 2, cm / 2, 1.4, (5, 1)), ids, "stain", count)
    pores = torus.pieces(torus.noise("pores", cm / 1.5, cm / 0.25, 0.4, (16, 1)), ids, "pores", count)
    color = lighter(color, 0.018 * stain + 0.022 * grain.fibres - 0.05 * smoothstep(pores, 1.2, 2.4))
    late = color * torch.tensor([0.78, 1.12, 1.05])[:, None, None]
    color = over(color, late, p["contrast"] * grain.late)
    heart = colors.elements[1] * torch.tensor([0.62, 1.0, 0.9])
    color = over(color, heart, 0.75 * grain.knot * (0.55 + 0.45 * grain.late))
    return lighter(color, 0.06 * scratches)


PLANKS = Material("wooden planks", PARAMETERS, PALETTES, build)
