"""Parquet in herringbone, its blocks sawn from modelled trunks: straight or at 45 degrees, single or double."""

import math
from dataclasses import dataclass

import torch

from .color import DrawnPalette, Palette, lighter, over
from .parameters import Choice, Count, Parameters, Range, Values
from .planks import ring_profile
from .profiles import coverage, rounded, smoothstep
from .surface import Material, Surface
from .torus import Torus

PARAMETERS: Parameters = {
    "direction": Choice("direction", ("diagonal", "straight"), (3, 1)),
    "pattern": Choice("laying", ("single", "double"), (4, 1)),
    "proportion": Count("block proportion", 3, 6, 4, "short blocks", "long blocks"),
    "repeats": Count("zigzags across", 1, 3, 2, "large blocks", "small blocks"),
    "gap": Range("gap in mm", 0.4, 2.5, 1.0, "tight joints", "open joints"),
    "bevel": Range("bevel in mm", 0.3, 2.5, 1.0, "square edges", "bevelled edges"),
    "rings": Range("rings per cm", 1.0, 3.0, 1.8, "broad grain", "fine grain"),
    "contrast": Range("grain contrast", 0.2, 1.0, 0.55, "subtle grain", "bold grain"),
    "color_variation": Range("colour variation", 0.15, 1.0, 0.5, "even colour", "mixed colours"),
    "wear": Range("wear", 0.0, 1.0, 0.3, "new", "worn and scratched"),
    "gloss": Range("gloss", 0.0, 1.0, 0.5, "oiled", "varnished"),
}

PALETTES = (
    Palette("oak", ("#a9804f", "#94693d", "#bb9463"), "#2c2118"),
    Palette("smoked oak", ("#69503a", "#563f2d", "#7c6147"), "#1d1610"),
    Palette("walnut", ("#6a4831", "#553726", "#7e5b40"), "#1b130d"),
    Palette("whitewashed oak", ("#c5b8a2", "#b3a48c", "#d4cab8"), "#6f6556"),
    Palette("cherry", ("#9a5a38", "#854a2d", "#ad6f4b"), "#2a1710"),
    Palette("wenge", ("#433129", "#34261f", "#534037"), "#130d0a"),
    Palette("grey oak", ("#8f877b", "#7c7468", "#a0998d"), "#3a352f"),
    Palette("maple", ("#cfb083", "#bf9b6a", "#dcc49d"), "#4a3a27"),
)

BLOCK_CM = 7.0  # wide


@dataclass(frozen=True)
class _Blocks:
    """Which block each pixel belongs to (of count) and where it lies from its middle, x along the grain, in cm."""

    ids: torch.Tensor
    count: int
    x: torch.Tensor
    y: torch.Tensor
    half_length: float
    half_width: float
    cm: float


@dataclass(frozen=True)
class _Grain:
    """late (H, W): 1 in the dark late wood of a ring. fibres, pores: fine streaks, variance 1."""

    late: torch.Tensor
    fibres: torch.Tensor
    pores: torch.Tensor


def build(torus: Torus, p: Values, colors: DrawnPalette) -> Surface:
    blocks = _blocks(torus, p)
    cm = blocks.cm
    distance = torch.minimum(blocks.half_length - blocks.x.abs(), blocks.half_width - blocks.y.abs())
    chips = smoothstep(torus.noise("chips", cm / 6, cm / 0.4, 1.2), 2.7 - 0.9 * p["wear"], 3.6)
    distance = distance - p["gap"] / 20 - 0.25 * p["wear"] * chips
    wood = coverage(distance, cm * torus.pixel)
    grain = _grain(torus, p, blocks)
    scratch = _scratches(torus, p, cm)
    bevel = p["bevel"] / 10
    level, tilt_x, tilt_y = torus.normal_table("level", 3 * blocks.count).view(3, -1)[:, blocks.ids]
    tilt = 0.006 * (tilt_x * blocks.x / blocks.half_length + tilt_y * blocks.y / blocks.half_width + level)
    brushed = (0.35 + p["wear"]) * (1.3 - p["gloss"])
    face = tilt - 0.6 * bevel * (1 - rounded(distance, bevel))
    face = face + brushed * (0.006 * grain.late + 0.0035 * grain.fibres) - 0.006 * scratch
    height = torch.lerp(torch.tensor(-0.12 - bevel), face, wood)
    joint = colors.between[:, None, None].expand(3, *wood.shape)
    color = over(joint, _color(torus, p, colors, blocks, grain, distance, scratch), wood)
    dull = smoothstep(torus.noise("dull", 1, cm / 8, 1.3), -0.5, 2.0) * p["wear"]
    roughness = 0.62 - 0.4 * p["gloss"] + 0.025 * grain.fibres + 0.2 * dull + 0.2 * scratch + 0.05 * grain.late
    parts = {"wood": wood, "joints": 1 - wood}
    return Surface(cm, color, height, torch.lerp(torch.tensor(0.9), roughness, wood), torch.zeros_like(height), parts)


def _blocks(torus: Torus, p: Values) -> _Blocks:
    """Blocks of `ratio` x 1 cells: along each row of cells comes a lying block, then one cell of each standing one.

    Turned by 45 degrees the pattern repeats after the cells (n, n) and (n, -n), n being a multiple of the ratio.
    """
    ratio = p["proportion"]
    lanes = 2 if p["pattern"] == "double" else 1
    diagonal = p["direction"] == "diagonal"
    n = ratio * p["repeats"] * (1 if diagonal else 2)
    u, v = torus.moved(0.013, 0.027)
    s, t = ((u + v) * n, (u - v) * n) if diagonal else (u * n, v * n)
    i, j = s.floor(), t.floor()
    kind = (i - j) % (2 * ratio)
    lying = kind < ratio
    left = torch.where(lying, i - kind, i)
    top = torch.where(lying, j, j - (2 * ratio - 1 - kind))
    x = torch.where(lying, s - left - ratio / 2, t - top - ratio / 2) * BLOCK_CM
    y = torch.where(lying, t - top - 0.5, s - left - 0.5) * BLOCK_CM
    ids, count = _numbers(left, top, n, diagonal)
    half_width = BLOCK_CM / 2
    if lanes == 2:
        half = (y > 0).float()
        y = y - (2 * half - 1) * half_width / 2
        ids, count, half_width = 2 * ids + half.long(), 2 * count, half_width / 2
    cm = n * BLOCK_CM * (math.sqrt(2) if diagonal else 1)
    return _Blocks(ids, count, x, y, ratio * BLOCK_CM / 2, half_width, cm)


def _numbers(left: torch.Tensor, top: torch.Tensor, n: int, diagonal: bool) -> tuple[torch.Tensor, int]:
    if not diagonal:
        return ((top % n) * n + left % n).long(), n * n
    return (((left + top) % (2 * n)) * 2 * n + (left - top) % (2 * n)).long(), 4 * n * n


def _own(torus: Torus, blocks: _Blocks, name: str, low: float, high: float, slope: float, along: float) -> torch.Tensor:
    """Noise that is drawn out along each block, every block showing another piece of it."""
    noise = torus.noise(name, low, high, slope, (along, 1))
    u = blocks.x / blocks.cm + torus.table(f"{name} right", blocks.count)[blocks.ids]
    v = blocks.y / blocks.cm + torus.table(f"{name} down", blocks.count)[blocks.ids]
    return torus.sample(noise, u, v)


def _grain(torus: Torus, p: Values, blocks: _Blocks) -> _Grain:
    """Rings around a pith beside or under each block, at a slant: arches on some blocks, lines on others."""
    ids, count, cm = blocks.ids, blocks.count, blocks.cm
    pith = BLOCK_CM * torus.table("pith", count, -1.6, 1.6)[ids]
    depth = torus.table("depth", count, 0.4, 6.0)[ids]
    slant = 0.07 * torus.normal_table("slant", count)[ids]
    wander = _own(torus, blocks, "wander", 1, cm / 5, 1.8, 4)
    radius = torch.hypot(blocks.y - pith + 0.5 * wander, depth + slant * blocks.x + 0.5 * wander)
    fibres = _own(torus, blocks, "fibres", cm / 1.5, cm / 0.1, 0.5, 26)
    pores = _own(torus, blocks, "pores", min(cm / 0.8, 80), cm / 0.12, 0.4, 12)
    density = p["rings"] * torus.table("density", count, 0.6, 1.4)[ids]
    late = ring_profile(radius * density + 0.06 * fibres + 0.15 * wander, p["rings"] * cm * torus.pixel)
    return _Grain(late, fibres, pores)


def _color(
    torus: Torus,
    p: Values,
    colors: DrawnPalette,
    blocks: _Blocks,
    grain: _Grain,
    distance: torch.Tensor,
    scratch: torch.Tensor,
) -> torch.Tensor:
    mixing = 0.15 + 0.8 * p["color_variation"]
    color = colors.for_elements(torus.rng("block colors"), blocks.count, 0.055 * p["color_variation"], mixing)
    color = color[:, blocks.ids]
    stain = _own(torus, blocks, "stain", 2, blocks.cm / 1.5, 1.4, 4)
    color = lighter(color, 0.014 * stain + 0.013 * grain.fibres - 0.045 * smoothstep(grain.pores, 1.2, 2.4))
    late = color * torch.tensor([0.74, 1.15, 1.1])[:, None, None]
    color = over(color, late, p["contrast"] * grain.late)
    grime = smoothstep(-distance, -0.5, 0.0) * (0.25 + 0.6 * p["wear"])
    color = over(color, colors.between, 0.5 * grime)
    worn = p["wear"] * smoothstep(torus.noise("walked", 1, blocks.cm / 4, 1.4), 0.0, 2.4)
    return lighter(color, 0.05 * scratch + 0.035 * worn)


def _scratches(torus: Torus, p: Values, cm: float) -> torch.Tensor:
    lines = torch.zeros(torus.size, torus.size)
    for index, (right, down) in enumerate(((2, 1), (1, -2), (1, 1))):
        streaks = torus.noise(f"scratches {index}", cm / 4, cm / 0.3, 0.6, (20, 1))
        turned = torus.sample(streaks, right * torus.u + down * torus.v, right * torus.v - down * torus.u)
        lines = torch.maximum(lines, smoothstep(turned, 2.1, 3.0))
    return p["wear"] * lines


HERRINGBONE = Material("herringbone parquet", PARAMETERS, PALETTES, build)
