"""Leather: pebbled, fine, creased or scaled hide, its dye darker in the creases and rubbed off on the ridges."""

import math
from dataclasses import dataclass

import torch

from .cells import random_sites, voronoi
from .color import DrawnPalette, Palette, lighter, over
from .parameters import Choice, Count, Parameters, Range, Values
from .profiles import smoothstep
from .surface import Material, Surface
from .torus import Torus

PARAMETERS: Parameters = {
    "grain": Choice("grain", ("pebbled", "fine", "creased", "crocodile"), (4, 3, 3, 2)),
    "pebbles": Count("pebbles across", 28, 56, 40, "large pebbles", "small pebbles", step=4),
    "depth": Range("grain depth", 0.3, 1.0, 0.6, "shallow grain", "deep grain"),
    "wrinkles": Range("wrinkles", 0.0, 1.0, 0.35, "", "wrinkled"),
    "wear": Range("wear", 0.0, 1.0, 0.3, "new", "rubbed and worn"),
    "marbling": Range("marbling", 0.0, 1.0, 0.4, "even dye", "marbled dye"),
    "scars": Range("scars", 0.0, 1.0, 0.2, "", "scarred"),
    "gloss": Range("gloss", 0.0, 1.0, 0.45, "matt", "glossy"),
}

PALETTES = (
    Palette("cognac", ("#8b5026", "#5a2f17", "#b27a45")),
    Palette("black", ("#2b2929", "#171616", "#4f4b49")),
    Palette("oxblood", ("#5f1f22", "#3a1114", "#8a4440")),
    Palette("dark brown", ("#4b3022", "#2b1a12", "#76523b")),
    Palette("tan", ("#b07e4c", "#80552e", "#cfa878")),
    Palette("bottle green", ("#2f4637", "#1a2a20", "#56705e")),
    Palette("navy", ("#2a3448", "#171d2b", "#515f78")),
    Palette("cream", ("#cdbfa6", "#a08f74", "#e2d8c6")),
    Palette("grey", ("#6d6a67", "#464442", "#93908c")),
)

SIZE_CM = 14.0


@dataclass(frozen=True)
class _Grain:
    """height (H, W) in mm, crease (H, W) 1 in the bottom of the furrows, shade (H, W) of each pebble, variance 1."""

    height: torch.Tensor
    crease: torch.Tensor
    shade: torch.Tensor


def build(torus: Torus, p: Values, colors: DrawnPalette) -> Surface:
    grain = GRAINS[p["grain"]](torus, p)
    wrinkle = _wrinkles(torus, p)
    scar = _scars(torus, p)
    pores = smoothstep(torus.noise("pores", 70, 200, 0.2), 1.5, 2.6) * (1 - grain.crease)
    fine = torus.noise("skin", 50, 220, 0.8)
    swell = torus.noise("swell", 1, 6, 1.6)
    depth = p["depth"] * grain.height - 0.22 * wrinkle - 0.12 * scar - 0.02 * pores + 0.003 * fine + 0.15 * swell
    body, dark, light = colors.elements
    furrow = torch.maximum(grain.crease, 0.5 * wrinkle)
    color = lighter(body[:, None, None].expand(3, *fine.shape), 0.014 * grain.shade + 0.006 * fine)
    cloud = torus.noise("marbling", 1, 60, 1.3)
    color = over(color, dark, p["marbling"] * (0.7 * smoothstep(cloud, 0.0, 2.2)))
    color = over(color, dark, 0.8 * furrow + 0.35 * pores)
    rubbed = _rubbed(torus, p, grain, furrow)
    color = over(over(color, light, 0.75 * rubbed), light, 0.5 * scar)
    matt = 0.68 - 0.36 * p["gloss"]
    roughness = matt + 0.16 * furrow + 0.14 * rubbed + 0.02 * fine + 0.1 * pores - 0.05 * scar
    unseen = frozenset() if p["grain"] == "pebbled" else frozenset({"pebbles"})
    parts = {"leather": (1 - furrow) * (1 - rubbed)}
    return Surface(SIZE_CM, color, depth / 10, roughness, torch.zeros_like(fine), parts, unseen)


def _cells(
    torus: Torus, name: str, count: int, warp: float, stretch: tuple[float, float], rounding: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of warped cells: the number, the distance to the border in units of a cell's width, and a shade per cell."""
    across = count**0.5
    shift = [warp / across * torus.noise(f"{name} {axis}", across / 6, across * 2, 1.7, stretch) for axis in "uv"]
    sites = random_sites(torus, name, count, relaxations=2)
    cells = voronoi(sites, torus.u + shift[0], torus.v + shift[1], rounding / across)
    return cells.ids, cells.border * across, torus.normal_table(f"{name} shade", count)[cells.ids]


def _pebbled(torus: Torus, p: Values) -> _Grain:
    count = p["pebbles"] ** 2
    ids, border, shade = _cells(torus, "pebbles", count, 0.14, (1, 1), 0.1)
    size = torus.table("pebble size", count, 0.6, 1.15)[ids]
    inside = (border / 0.4).clamp(0, 1)
    dome = (1 - (1 - inside) ** 2.2) * size
    small = torus.noise("pebble skin", p["pebbles"] * 1.5, p["pebbles"] * 6, 1.2)
    return _Grain(0.85 * dome + 0.02 * small * inside, 1 - smoothstep(border, -0.04, 0.16), shade)


def _fine(torus: Torus, p: Values) -> _Grain:
    """Box calf: the smallest cells, in groups that shallow furrows part."""
    _, border, shade = _cells(torus, "fine cells", 96 * 96, 0.35, (1, 1), 0.05)
    _, group, _ = _cells(torus, "groups", 26 * 26, 0.5, (1.6, 1), 0.05)
    cell = 1 - (1 - (border / 0.45).clamp(0, 1)) ** 2
    bulge = 1 - (1 - (group / 0.4).clamp(0, 1)) ** 2
    crease = torch.maximum(0.55 * (1 - smoothstep(border, 0.0, 0.2)), 1 - smoothstep(group, 0.0, 0.1))
    return _Grain(0.1 * cell + 0.16 * bulge, 0.8 * crease, shade)


def _creased(torus: Torus, p: Values) -> _Grain:
    """Full grain that has been worn: long furrows in one direction, short ones across them, cells between."""
    _, long, _ = _cells(torus, "long cells", 260, 1.1, (4, 1), 0.03)
    _, across, shade = _cells(torus, "cross cells", 34 * 34, 0.5, (1, 1.5), 0.05)
    bulge = smoothstep(long, -0.02, 0.3)
    cell = smoothstep(across, -0.04, 0.36)
    open_here = smoothstep(torus.noise("furrows", 2, 14, 1.2), -1.2, 0.9)
    furrow = open_here * (1 - smoothstep(long, 0.01, 0.12))
    crease = torch.maximum(furrow, 0.5 * (1 - smoothstep(across, 0.0, 0.16)))
    return _Grain(0.3 * bulge * open_here + 0.15 * cell - 0.1 * furrow, crease, shade)


def _crocodile(torus: Torus, p: Values) -> _Grain:
    """Scales in rows: long ones along the middle of the belly, small round ones towards its sides."""
    rows, columns = 14, 12
    row, column = torch.arange(rows).repeat_interleave(columns), torch.arange(columns).repeat(rows)
    place = (column + 0.5) / columns
    place = place + 0.06 * torch.sin(2 * math.pi * place)  # crowded towards the sides, where scales grow small
    jitter = 0.005 * torus.normal_table("scale jitter", 2 * len(row)).view(2, -1)
    down = (row + 0.5 + 0.5 * (column // 3 % 2)) / rows
    sites = torch.stack([(place + 0.024 + jitter[0]) % 1, (down + 0.31 / rows + 1.4 * jitter[1]) % 1], -1)
    bend = [0.006 * torus.noise(f"scales {axis}", 2, 16, 1.6) for axis in "uv"]
    cells = voronoi(sites, torus.u + bend[0], torus.v + bend[1], 0.007)
    inside = (cells.border / 0.026).clamp(0, 1)
    dome = 1 - (1 - inside) ** 2.6
    lines = torus.noise("scale lines", 5, 60, 1.5, (5, 1))
    fine = torus.noise("scale grain", 40, 200, 0.8)
    shade = torus.normal_table("scale shade", len(row))[cells.ids]
    crease = 1 - smoothstep(cells.border, 0.0, 0.0055)
    return _Grain(1.9 * dome + (0.05 * lines + 0.008 * fine) * inside, crease, 1.4 * shade + 1.2 * lines + 2.2 * dome)


GRAINS = {"pebbled": _pebbled, "fine": _fine, "creased": _creased, "crocodile": _crocodile}


def _wrinkles(torus: Torus, p: Values) -> torch.Tensor:
    """Soft folds where the hide has bent: ridges of a stretched noise, 1 in their bottom."""
    warp = [0.02 * torus.noise(f"fold {axis}", 1, 10, 1.8) for axis in "uv"]
    fold = torus.sample(torus.noise("folds", 2, 12, 1.9, (1, 2.2)), torus.u + warp[0], torus.v + warp[1])
    where = smoothstep(torus.noise("folded", 1, 6, 1.2), 1.6 - 2.4 * p["wrinkles"], 2.6 - 1.8 * p["wrinkles"])
    return where * (1 - smoothstep(fold.abs(), 0.0, 0.3)) ** 2


def _scars(torus: Torus, p: Values) -> torch.Tensor:
    lines = torus.noise("scar", 3, 40, 1.5, (3, 1))
    turned = torus.sample(lines, torus.u + torus.v, torus.v - 2 * torus.u)
    where = smoothstep(torus.noise("scarred", 2, 9, 1.2), 2.3 - 1.2 * p["scars"], 2.8 - 1.2 * p["scars"])
    return where * (1 - smoothstep(turned.abs(), 0.01, 0.06)) * min(1.0, 3 * p["scars"])


def _rubbed(torus: Torus, p: Values, grain: _Grain, furrow: torch.Tensor) -> torch.Tensor:
    """Where the dye has gone: on the ridges, in patches."""
    patches = torus.noise("rubbed", 1, 40, 1.2) + 0.25 * torus.noise("rubbed fine", 40, 300, 0.6)
    ridge = smoothstep(grain.height, 0.1, 0.5)
    return (1 - furrow) * smoothstep(patches + 0.7 * ridge, 3.0 - 2.0 * p["wear"], 4.0 - 1.9 * p["wear"])


LEATHER = Material("leather", PARAMETERS, PALETTES, build)
