"""Tread plate: rolled metal sheet with raised lugs, worn bright where shoes go and dull where dirt lies."""

import math

import torch

from ...common.oklab import oklab_from_hex
from .cells import random_sites, voronoi
from .color import DrawnPalette, Palette, lighter, over
from .parameters import Choice, Count, Parameters, Range, Values
from .profiles import coverage, rounded, rounded_box, smoothstep
from .surface import Material, Surface
from .torus import Torus

PARAMETERS: Parameters = {
    "pattern": Choice("tread pattern", ("diamond", "five-bar", "two-bar", "lentil"), (4, 3, 2, 1)),
    "direction": Choice("direction", ("diagonal", "straight"), (3, 1)),
    "lugs": Count("lugs across", 4, 9, 6, "large lugs", "small lugs"),
    "relief": Range("lug height in mm", 1.0, 2.6, 1.8, "low lugs", "tall lugs"),
    "finish": Choice("finish", ("bare steel", "aluminium", "galvanised", "painted"), (3, 2, 1.5, 2.5)),
    "wear": Range("wear", 0.0, 1.0, 0.45, "new", "worn bright on top"),
    "scratches": Range("scratches", 0.0, 1.0, 0.4, "", "scratched"),
    "rust": Range("rust", 0.0, 1.0, 0.2, "", "rusty"),
    "dirt": Range("dirt", 0.0, 1.0, 0.35, "clean", "dirty between the lugs"),
}

PALETTES = (
    Palette("signal yellow", ("#c79a2b",)),
    Palette("machine grey", ("#75797a",)),
    Palette("oxide red", ("#7c3b30",)),
    Palette("deck green", ("#44604f",)),
    Palette("navy", ("#33455f",)),
    Palette("black", ("#2f3032",)),
)

METALS = {"bare steel": "#a29f9b", "aluminium": "#c3c4c6", "galvanised": "#abaeb1", "painted": "#a29f9b"}
LUG_CM = 4.2  # from lug to lug along a row


def build(torus: Torus, p: Values, colors: DrawnPalette) -> Surface:
    cm = p["lugs"] * LUG_CM
    distance, width = _lugs(torus, p)
    lug = coverage(distance, cm * torus.pixel)
    dome = rounded(distance, 0.9 * width)
    grain = torus.noise("grain", cm / 0.5, cm / 0.06, 0.3)
    dents = torus.noise("dents", 2, cm / 2, 1.8)
    scratch = _scratches(torus, p, cm)
    rust = _rust(torus, p, distance, cm)
    dirt = _dirt(torus, p, distance, cm) * (1 - 0.5 * rust)
    worn = _worn(torus, p, dome, cm) * (1 - rust)
    height = 0.1 * p["relief"] * dome + 0.012 * dents + 0.0012 * grain - 0.003 * scratch + 0.006 * rust * (1 + grain)
    color, roughness, metallic = _face(torus, p, colors, worn, scratch, grain, cm)
    color = over(color, _rust_color(torus, grain, cm), rust)
    color = over(color, oklab_from_hex("#3f3830"), 0.75 * dirt)
    roughness = torch.lerp(torch.lerp(roughness, 0.88 + 0.04 * grain, rust), torch.tensor(0.85), dirt)
    metallic = metallic * (1 - rust) * (1 - 0.9 * dirt)
    unseen = frozenset() if p["finish"] == "painted" else frozenset({"palette"})
    clear = (1 - rust) * (1 - dirt)
    parts = {"lugs": lug * clear, "plate": (1 - lug) * clear} | ({"rust": rust} if p["rust"] > 0.4 else {})
    return Surface(cm, color, height, roughness, metallic, parts, unseen)


def _lugs(torus: Torus, p: Values) -> tuple[torch.Tensor, float]:
    """Distance in cm to the outline of the nearest lug, and a lug's half width."""
    x, y, lying, cell = _cells(torus, p)
    along, across = torch.where(lying, x, y), torch.where(lying, y, x)
    if p["pattern"] in ("diamond", "lentil"):
        length, width = (0.62 * cell, 0.15 * cell) if p["pattern"] == "diamond" else (0.42 * cell, 0.2 * cell)
        return _lens(along, across, length, width), width
    bars = {"five-bar": 5, "two-bar": 2}[p["pattern"]]
    pitch = 0.9 * cell / bars if bars == 5 else 0.36 * cell
    number = (across / pitch + (bars - 1) / 2).round().clamp(0, bars - 1) - (bars - 1) / 2
    width = 0.27 * pitch
    shorter = 0.04 * cell * number.abs()
    half = torch.tensor(width)
    return rounded_box(along, across - number * pitch, 0.42 * cell - shorter, half, 0.98 * half), width


def _cells(torus: Torus, p: Values) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, float]:
    """Where a pixel lies from the middle of its cell in cm, whether its lug lies or stands, and the cell's side."""
    if p["direction"] == "diagonal":
        u, v = torus.moved(0.5 / p["lugs"], 0.11 / p["lugs"])
        s, t, cell = (u + v) * p["lugs"], (u - v) * p["lugs"], LUG_CM / math.sqrt(2)
    else:
        count = 2 * math.ceil(p["lugs"] / 1.6)
        u, v = torus.moved(0.25 / count, 0.25 / count)
        s, t, cell = u * count, v * count, p["lugs"] * LUG_CM / count
    lying = (s.floor() + t.floor()) % 2 == 0
    return (s - s.floor() - 0.5) * cell, (t - t.floor() - 0.5) * cell, lying, cell


def _lens(along: torch.Tensor, across: torch.Tensor, half_length: float, half_width: float) -> torch.Tensor:
    """Distance inwards from the outline that two arcs enclose."""
    radius = (half_length**2 + half_width**2) / (2 * half_width)
    return radius - torch.hypot(along, across.abs() + radius - half_width)


def _scratches(torus: Torus, p: Values, cm: float) -> torch.Tensor:
    """Fine lines in a few directions, in patches."""
    lines = torch.zeros(torus.size, torus.size)
    for index, (right, down) in enumerate(((1, 2), (2, -1), (1, 0), (3, 1))):
        streaks = torus.noise(f"scratches {index}", cm / 3, cm / 0.12, 0.5, (22, 1))
        turned = torus.sample(streaks, right * torus.u + down * torus.v, right * torus.v - down * torus.u)
        lines = torch.maximum(lines, smoothstep(turned, 1.7, 2.6))
    return p["scratches"] * lines * smoothstep(torus.noise("scratched", 1, cm / 3, 1.2), -0.6, 1.0)


def _rust(torus: Torus, p: Values, distance: torch.Tensor, cm: float) -> torch.Tensor:
    """Where water stays: at the foot of the lugs first, then in patches; a thin stain surrounds it."""
    patches = torus.noise("rust", 1, cm / 0.25, 1.1)
    foot = smoothstep(distance, -0.7, -0.02) * (1 - smoothstep(distance, -0.02, 0.12))
    amount = 0.75 * patches + 1.1 * foot
    thick = smoothstep(amount, 2.5 - 1.5 * p["rust"], 3.0 - 1.5 * p["rust"])
    thin = smoothstep(amount, 1.7 - 1.5 * p["rust"], 2.9 - 1.5 * p["rust"])
    return torch.maximum(thick, 0.4 * thin) * min(1.0, 4 * p["rust"])


def _rust_color(torus: Torus, grain: torch.Tensor, cm: float) -> torch.Tensor:
    depth = torus.noise("rust depth", 4, cm / 0.2, 1.0)
    dark = oklab_from_hex("#4c2a1e")[:, None, None].expand(3, *grain.shape)
    return lighter(over(dark, oklab_from_hex("#95542c"), smoothstep(depth, -0.8, 1.6)), 0.02 * grain)


def _dirt(torus: Torus, p: Values, distance: torch.Tensor, cm: float) -> torch.Tensor:
    """Most of it lies at the foot of the lugs."""
    settled = torus.noise("dirt", 1, cm / 0.4, 1.2)
    foot = smoothstep(distance, -0.55, -0.05) * (1 - smoothstep(distance, -0.05, 0.06))
    film = smoothstep(settled, -0.6, 2.2) * (1 - smoothstep(distance, -0.1, 0.1))
    return p["dirt"] * (0.75 * foot * smoothstep(settled, -1.8, 0.8) + 0.5 * film).clamp(0, 1)


def _worn(torus: Torus, p: Values, dome: torch.Tensor, cm: float) -> torch.Tensor:
    patches = torus.noise("worn", 1, cm / 0.25, 1.1)
    return smoothstep(dome + 0.22 * patches, 1.25 - 0.75 * p["wear"], 1.45 - 0.6 * p["wear"]) * (p["wear"] > 0.03)


def _face(
    torus: Torus,
    p: Values,
    colors: DrawnPalette,
    worn: torch.Tensor,
    scratch: torch.Tensor,
    grain: torch.Tensor,
    cm: float,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Colour, roughness and metallic of the sheet as it is where neither rust nor dirt lies."""
    metal = oklab_from_hex(METALS[p["finish"]])[:, None, None].expand(3, *grain.shape)
    rolled = torus.noise("rolled", cm / 4, cm / 0.08, 0.6, (10, 1))
    tarnish = torus.noise("tarnish", 1, cm / 1.0, 1.3)
    bright = lighter(metal, 0.05 + 0.012 * rolled)
    bare = lighter(metal, 0.014 * rolled + 0.02 * tarnish - 0.05 * p["wear"])
    if p["finish"] == "galvanised":
        bare = lighter(bare, 0.03 * _spangle(torus, cm))
    shiny = (worn + 0.7 * scratch).clamp(0, 1)
    if p["finish"] == "painted":
        paint = colors.elements[0][:, None, None].expand_as(metal)
        paint = lighter(paint, 0.012 * tarnish + 0.006 * grain)
        return over(paint, bright, shiny), torch.lerp(0.45 + 0.03 * tarnish, 0.3 + 0.03 * rolled, shiny), shiny
    dull = {"bare steel": 0.46, "aluminium": 0.36, "galvanised": 0.5}[p["finish"]]
    roughness = torch.lerp(dull + 0.05 * tarnish + 0.03 * rolled, torch.tensor(0.24), shiny) + 0.12 * scratch
    return over(bare, bright, shiny), roughness, torch.ones_like(grain)


def _spangle(torus: Torus, cm: float) -> torch.Tensor:
    count = int((cm / 1.1) ** 2)
    warp = 0.05 / cm * torus.noise("spangle warp", cm / 2, cm / 0.3, 1.5)
    cells = voronoi(random_sites(torus, "spangle", count), torus.u + warp, torus.v + warp)
    return torus.normal_table("spangle shade", count)[cells.ids]


TREAD = Material("diamond tread plate", PARAMETERS, PALETTES, build)
