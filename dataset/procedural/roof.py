"""Roof tiles: overlapping courses of plain tiles, beaver tails, slates, pantiles or barrel tiles."""

from dataclasses import dataclass

import torch

from ...common.oklab import oklab_from_hex
from .color import DrawnPalette, Palette, lighter, over
from .parameters import Choice, Count, Parameters, Range, Values
from .profiles import coverage, smoothstep
from .surface import Material, Surface
from .torus import Torus

PARAMETERS: Parameters = {
    "shape": Choice("tile shape", ("plain", "beaver tail", "pantile", "barrel", "slate"), (3, 3, 3, 2, 2)),
    "columns": Count("tiles across", 5, 9, 7, "large tiles", "small tiles"),
    "irregularity": Range("irregularity", 0.0, 1.0, 0.35, "machine-made", "handmade and uneven"),
    "thickness": Range("tile thickness", 0.6, 1.4, 1.0, "thin tiles", "thick tiles"),
    "color_variation": Range("colour variation", 0.2, 1.0, 0.55, "even colour", "mixed colours"),
    "weathering": Range("weathering", 0.0, 1.0, 0.4, "clean", "streaked and weathered"),
    "lichen": Range("lichen", 0.0, 1.0, 0.2, "", "lichen"),
    "moss": Range("moss", 0.0, 1.0, 0.15, "", "moss in the courses"),
    "roughness": Range("roughness", 0.4, 0.9, 0.75, "glazed", "rough clay"),
}

PALETTES = (
    Palette("terracotta", ("#a4583a", "#8d4630", "#bd7450", "#743a2a"), "#2e211b"),
    Palette("old red", ("#84452f", "#6b3628", "#9c5e42", "#5b4338"), "#271c17"),
    Palette("straw", ("#bd9a68", "#a77f4f", "#d2b58a", "#8f6b46"), "#38291c"),
    Palette("brown", ("#60463a", "#4e382f", "#75584a", "#43322b"), "#211814"),
    Palette("anthracite", ("#454749", "#37393b", "#56585a", "#4c4744"), "#1b1b1c"),
    Palette("blue grey slate", ("#5b646d", "#4a525b", "#6d757c", "#5e5a5c"), "#212428"),
    Palette("weathered grey", ("#7f7a72", "#6b665f", "#959086", "#77695b"), "#2c2925"),
    Palette("glazed green", ("#3f5f4c", "#304b3d", "#5a7a63", "#4a4a38"), "#1c221d"),
)

TILE_CM = 18.0  # wide
ROLLED = ("pantile", "barrel")
COVER = 0.29  # half the width of a barrel's cover, of a tile's width


@dataclass(frozen=True)
class _Course:
    """How one row of tiles lies at each pixel: ids (H, W), x across from the tile's middle and up from its lower edge,
    both in cm, inside (H, W) the distance to the tile's outline, and section (H, W) its bend across, in cm."""

    ids: torch.Tensor
    x: torch.Tensor
    up: torch.Tensor
    inside: torch.Tensor
    section: torch.Tensor


@dataclass(frozen=True)
class _Sizes:
    columns: int
    rows: int
    cm: float
    exposed: float

    @property
    def count(self) -> int:
        """Of tiles: a barrel's cover is one of its own."""
        return 2 * self.columns * self.rows


def build(torus: Torus, p: Values, colors: DrawnPalette) -> Surface:
    sizes = _sizes(p)
    cm, count = sizes.cm, sizes.count
    upper, lower = (_course(torus, p, sizes, below) for below in (0, 1))
    on_top = coverage(upper.inside, cm * torus.pixel)
    shown = upper.inside > 0
    ids = torch.where(shown, upper.ids, lower.ids)
    up = torch.where(shown, upper.up, lower.up)
    clay = torus.pieces(torus.noise("clay", cm / 9, cm / 0.4, 1.2), ids, "clay", count)
    sand = torus.noise("sand", cm / 1.5, cm / 0.25, 0.3)
    height = torch.lerp(_height(torus, p, sizes, lower), _height(torus, p, sizes, upper), on_top)
    height = height + 0.03 * (1.2 - p["roughness"] * 0.4) * clay + 0.006 * sand
    color = _color(torus, p, colors, ids, up, clay, sand, sizes)
    under = (1 - on_top) * smoothstep(upper.inside, -2.2, 0.0)
    color = over(color, colors.between, torch.maximum(0.12 * under, 0.35 * _crevice(p["shape"], upper.x)))
    lichen, moss = _lichen(torus, p, up, cm), _moss(torus, p, upper, on_top, cm)
    pale = over(oklab_from_hex("#a3a392")[:, None, None].expand_as(color), oklab_from_hex("#b08d43"), _kinds(torus))
    color = over(color, lighter(pale, 0.03 * sand), 0.85 * lichen)
    tufts = torus.noise("tufts", cm / 3, cm / 0.4, 0.5)
    green = over(
        oklab_from_hex("#3f4a22")[:, None, None].expand_as(color),
        oklab_from_hex("#6f7a36"),
        smoothstep(tufts, -0.4, 1.8),
    )
    color = over(color, green, moss)
    height = height + 0.05 * lichen + moss * (0.5 + 0.18 * tufts)
    roughness = p["roughness"] + 0.04 * clay + 0.02 * sand + 0.15 * lichen + 0.2 * moss
    clear = (1 - lichen) * (1 - moss)
    parts = {"tiles": clear * on_top} | ({"lichen": lichen} if p["lichen"] > 0.5 else {})
    parts |= {"moss": moss} if p["moss"] > 0.4 else {}
    return Surface(cm, color, height, roughness, torch.zeros_like(height), parts)


def _sizes(p: Values) -> _Sizes:
    """An even number of rows, so that a shift by half a tile closes."""
    columns = p["columns"]
    proportion = {"plain": 0.8, "beaver tail": 0.8, "pantile": 1.35, "barrel": 1.5, "slate": 0.95}[p["shape"]]
    rows = 2 * max(1, round(columns / proportion / 2))
    cm = columns * TILE_CM
    return _Sizes(columns, rows, cm, cm / rows)


def _course(torus: Torus, p: Values, sizes: _Sizes, below: int) -> _Course:
    """The row whose lower edge is the next one down, or the row `below` that one."""
    columns, rows, exposed = sizes.columns, sizes.rows, sizes.exposed
    u, v = torus.moved(0.31 / columns, 0.42 / rows)
    row = (v * rows).floor() + below
    shift = 0.5 if p["shape"] in ("plain", "beaver tail", "slate") else 0.0
    along = u * columns + shift * (row % 2)
    column = along.floor()
    x = (along - column - 0.5) * TILE_CM
    channel = (x.abs() > COVER * TILE_CM) & (p["shape"] == "barrel")  # lies between two columns of covers
    ids = (2 * ((row % rows) * columns + (column + channel * (x > 0)) % columns) + channel).long()
    up = (row + 1 - v * rows) * exposed
    uneven = p["irregularity"]
    x = x + (0.5 if shift else 0.15) * uneven * torus.normal_table("shift", sizes.count)[ids]
    up = up + uneven * (0.5 * torus.normal_table("sag", sizes.count)[ids])
    if shift:
        up = up + 0.06 * uneven * torus.normal_table("askew", sizes.count)[ids] * x
    ragged = torus.noise("ragged", sizes.cm / 8, sizes.cm / 0.6, 1.2)
    inside = _outline(p["shape"], x, up) + (0.05 + 0.12 * uneven) * ragged
    return _Course(ids, x, up, inside, _section(p["shape"], x))


def _outline(shape: str, x: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
    """Distance in cm to the outline of a tile that goes on upwards, positive inside."""
    half = TILE_CM / 2
    if shape in ROLLED:
        return up
    sides = half - x.abs() - 0.2
    if shape == "beaver tail":
        radius = half - 0.2
        tail = radius - torch.hypot(x, (up - 0.62 * radius) / 0.62)
        return torch.where(up < 0.62 * radius, torch.minimum(tail, sides), sides)
    return torch.minimum(up, sides)


def _crevice(shape: str, x: torch.Tensor) -> torch.Tensor:
    """How deep a pixel lies in the corner at the foot of the roll beside it, 1 in the corner itself."""
    away = {"pantile": TILE_CM / 2 - x, "barrel": (x.abs() - COVER * TILE_CM).abs() + 0.2}
    return 1 - smoothstep(away[shape], 0.0, 1.6) if shape in ROLLED else torch.zeros_like(x)


def _section(shape: str, x: torch.Tensor) -> torch.Tensor:
    """Height across the tile in cm."""
    t = x / TILE_CM
    if shape == "pantile":  # a roll that covers the edge of the trough beside it
        return 4.2 * torch.exp(-((t + 0.33) / 0.13).square()) - 1.1 * torch.exp(-((t - 0.12) / 0.2).square())
    if shape == "barrel":  # covers over channels
        cover = (1 - (t / COVER).square()).clamp(min=0).sqrt()
        channel = (1 - ((0.5 - t.abs()) / (0.5 - COVER)).square()).clamp(min=0).sqrt()
        return torch.where(t.abs() < COVER, 1.5 + 4.2 * cover, 1.2 - 2.6 * channel)
    return torch.zeros_like(x)


def _height(torus: Torus, p: Values, sizes: _Sizes, course: _Course) -> torch.Tensor:
    """Each tile lies on the course below: a thickness higher at its lower edge, down to nothing a course further up."""
    thick = {"slate": 1.5, "pantile": 2.0, "barrel": 2.2}.get(p["shape"], 2.4) * p["thickness"]
    count = sizes.count
    slope = thick * (1.0 - course.up / sizes.exposed)
    edge = 0.5 * p["thickness"]
    rounding = -0.45 * edge * (1 - (course.inside / edge).clamp(0, 1)).square()
    level, tilt = torus.normal_table("level", 2 * count).view(2, -1)[:, course.ids]
    uneven = p["irregularity"] * (0.12 * level + 0.012 * tilt * course.x * (p["shape"] not in ROLLED))
    cloven = 0.08 * torus.noise("cloven", sizes.cm / 10, sizes.cm / 0.6, 1.3, (1, 2)) if p["shape"] == "slate" else 0.0
    return slope + rounding + uneven + course.section + cloven


def _color(
    torus: Torus,
    p: Values,
    colors: DrawnPalette,
    ids: torch.Tensor,
    up: torch.Tensor,
    clay: torch.Tensor,
    sand: torch.Tensor,
    sizes: _Sizes,
) -> torch.Tensor:
    cm, count = sizes.cm, sizes.count
    spread, mixing = 0.05 * p["color_variation"], 0.1 + 0.7 * p["color_variation"]
    color = colors.for_elements(torus.rng("tile colors"), count, spread, mixing)[:, ids]
    burn = torus.pieces(torus.noise("burn", cm / 30, cm / 3, 1.6), ids, "burn", count)
    color = over(color, colors.elements[-1], 0.6 * p["color_variation"] * smoothstep(burn, 0.2, 2.0))
    color = lighter(color, 0.02 * clay + 0.014 * burn + 0.012 * sand)
    wet = smoothstep(up, 0.0, 0.3 * sizes.exposed)  # the lower edge dries last and grows dark
    streaks = torus.noise("streaks", cm / 12, cm / 0.8, 1.0, (1, 5))
    stain = p["weathering"] * (0.1 * (1 - wet) + 0.8 * smoothstep(streaks, 0.3, 2.3))
    color = over(color, colors.between + torch.tensor([0.08, 0.0, 0.0]), 0.42 * stain)
    bleached = p["weathering"] * smoothstep(torus.noise("bleached", 2, cm / 1.0, 1.2), 0.8, 3.0)
    return over(color, torch.tensor([0.78, 0.005, 0.02]), 0.35 * bleached)


def _kinds(torus: Torus) -> torch.Tensor:
    return smoothstep(torus.noise("kinds", 3, 12, 1.5), 0.5, 0.9)


def _lichen(torus: Torus, p: Values, up: torch.Tensor, cm: float) -> torch.Tensor:
    """Round colonies, most where water drips from the edge."""
    patches = torus.noise("lichen", cm / 8, cm / 0.6, 1.1) + 0.5 * torus.noise("colonies", 1, 5, 1.0)
    drip = 0.3 * (1 - smoothstep(up, 0.0, 6.0))
    return smoothstep(patches + drip, 2.4 - 1.1 * p["lichen"], 2.7 - 1.1 * p["lichen"]) * min(1.0, 4 * p["lichen"])


def _moss(torus: Torus, p: Values, upper: _Course, on_top: torch.Tensor, cm: float) -> torch.Tensor:
    """Cushions in the steps between courses."""
    patches = torus.noise("moss", 2, cm / 1.5, 1.2)
    step = (1 - on_top) * smoothstep(upper.inside, -1.5, -0.1) + on_top * (1 - smoothstep(upper.inside, 0.1, 1.6))
    return smoothstep(1.5 * step + patches, 3.1 - 1.7 * p["moss"], 3.5 - 1.7 * p["moss"]) * min(1.0, 5 * p["moss"])


ROOF = Material("roof tiles", PARAMETERS, PALETTES, build)
