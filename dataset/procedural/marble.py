"""Marble: clouds and veins folded by flow, as one slab or as polished tiles."""

import torch

from .cells import random_sites, voronoi
from .color import DrawnPalette, Palette, lighter, over
from .parameters import Choice, Parameters, Range, Values
from .profiles import coverage, smoothstep
from .surface import Material, Surface
from .torus import Torus

PARAMETERS: Parameters = {
    "laying": Choice("laying", ("slab", "tiles", "checkerboard"), (4, 2, 2)),
    "veins": Range("veins", 0.15, 1.0, 0.55, "few veins", "many veins"),
    "boldness": Range("vein width", 0.0, 1.0, 0.4, "hairline veins", "bold veins"),
    "folding": Range("folding", 0.2, 1.0, 0.5, "straight veins", "swirling veins"),
    "clouding": Range("clouding", 0.1, 1.0, 0.5, "even ground", "cloudy ground"),
    "brecciation": Range("brecciation", 0.0, 1.0, 0.2, "", "broken into fragments"),
    "polish": Range("polish", 0.0, 1.0, 0.8, "honed", "mirror polish"),
}

# The ground, a second tone of it, the bold veins, the fine veins; between the tiles.
PALETTES = (
    Palette("carrara white", ("#dcdad6", "#c3c3c3", "#85888c", "#a5a6a8"), "#a8a59f"),
    Palette("calacatta gold", ("#e4ded2", "#d2c9b9", "#9c7c4c", "#8d8a86"), "#b2a894"),
    Palette("nero marquina", ("#242426", "#313235", "#dddad4", "#97948e"), "#46443f"),
    Palette("verde", ("#2f4a3c", "#203529", "#a9b9a2", "#5d7d68"), "#3a4238"),
    Palette("rosso", ("#83402f", "#6a2f25", "#d5bda9", "#4a211b"), "#5e3c31"),
    Palette("emperador", ("#5b4232", "#48332a", "#bfa27c", "#2f2019"), "#4a3a2e"),
    Palette("crema", ("#d5c3a2", "#c4ae88", "#a2855b", "#b79c74"), "#a3906f"),
    Palette("rosa", ("#d3ada0", "#c09385", "#7f5a53", "#ead2c6"), "#a58a7e"),
    Palette("azul", ("#8ea3b3", "#6c8398", "#39495c", "#cfd7da"), "#77828a"),
)

SIZE_CM = 120.0
TILES = 4  # a side, when laid as tiles


def build(torus: Torus, p: Values, colors: DrawnPalette) -> Surface:
    joint, ids = _joints(torus, p)
    second = ((ids // TILES + ids % TILES) % 2 == 1) if p["laying"] == "checkerboard" else torch.zeros_like(ids).bool()
    stone, veins = _stone(torus, p, colors, ids)
    if p["laying"] == "checkerboard":
        stone = torch.where(second, _counterpart(stone), stone)
    grain = torus.noise("grain", 60, 600, 0.4)
    stone = lighter(stone, 0.006 * grain)
    color = over(stone, colors.between, joint)
    level = 0.015 * torus.normal_table("level", TILES * TILES)[ids] if p["laying"] != "slab" else 0.0
    relief = (0.002 * (1 - p["polish"]) + 0.0002) * (grain + 0.5 * torus.noise("honed", 4, 90, 1.4))
    height = level + relief - 0.001 * veins - 0.12 * joint
    shine = 0.42 - 0.32 * p["polish"]
    roughness = torch.lerp(shine + 0.06 * veins + 0.012 * grain, torch.tensor(0.8), joint)
    parts = {"stone": (1 - joint) * (1 - veins), "veins": (1 - joint) * veins}
    return Surface(SIZE_CM, color, height, roughness, torch.zeros_like(height), parts)


def _joints(torus: Torus, p: Values) -> tuple[torch.Tensor, torch.Tensor]:
    """How much of a pixel is joint, and the number of its tile."""
    if p["laying"] == "slab":
        return torch.zeros(torus.size, torus.size), torch.zeros(torus.size, torus.size, dtype=torch.long)
    u, v = torus.moved(0.5 / TILES, 0.5 / TILES)
    x, y = u * TILES, v * TILES
    side = SIZE_CM / TILES
    inside = side * (0.5 - torch.maximum((x - x.floor() - 0.5).abs(), (y - y.floor() - 0.5).abs()))
    return 1 - coverage(inside - 0.1, SIZE_CM * torus.pixel), (y.floor() * TILES + x.floor()).long()


def _stone(torus: Torus, p: Values, colors: DrawnPalette, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The colour (3, H, W) of the stone and how much of it is vein; every tile is cut from another place."""
    ground, second, bold, fine = colors.elements
    count, cut = TILES * TILES, p["laying"] != "slab"

    def field(name: str, low: float, high: float, slope: float, stretch: tuple[float, float]) -> torch.Tensor:
        flowed = torus.sample(torus.noise(name, low, high, slope, stretch), *_flow(torus, p))
        return torus.pieces(flowed, ids, "cut", count) if cut else flowed

    cloud = field("cloud", 1, 40, 1.5, (2.2, 1))
    mist = field("mist", 3, 200, 1.3, (1.6, 1))
    color = over(
        ground[:, None, None].expand(3, *ids.shape), second, p["clouding"] * smoothstep(cloud + 0.25 * mist, -0.9, 1.5)
    )
    color = lighter(color, 0.012 * mist)
    where = smoothstep(field("where", 1, 6, 1.3, (1.5, 1)), 0.5 - 2.2 * p["veins"], 1.3 - 1.4 * p["veins"])
    width = (0.016 + 0.08 * p["boldness"]) * (0.35 + 0.9 * smoothstep(mist, -1.5, 1.5))
    halo, vein = torch.zeros_like(mist), torch.zeros_like(mist)
    for name, reach in (("first", 1.0), ("second", 0.6)):
        ridge = field(f"{name} vein", 1, 60, 1.75, (2.6, 1)).abs()
        vein = torch.maximum(vein, where * (1 - smoothstep(ridge, 0.3 * reach * width, reach * width + 0.012)))
        halo = torch.maximum(halo, where * (1 - smoothstep(ridge, 0.0, 7 * reach * width + 0.05)))
    thread = field("thread", 3, 90, 1.5, (1.8, 1)).abs()
    here = smoothstep(field("threaded", 1, 12, 1.2, (1, 1)) + cloud, 0.6 - 1.6 * p["veins"], 2.2 - 1.2 * p["veins"])
    threads = here * (1 - smoothstep(thread, 0.008, 0.05))
    color = over(color, torch.lerp(second, bold, 0.3), 0.45 * halo)
    color = over(over(color, fine, 0.55 * threads), bold, 0.85 * vein * (0.7 + 0.3 * smoothstep(mist, -1.0, 1.0)))
    crack = _breccia(torus, p, ids, cut)
    return over(color, fine, 0.7 * crack), torch.maximum(vein, torch.maximum(0.5 * threads, 0.8 * crack))


def _flow(torus: Torus, p: Values) -> tuple[torch.Tensor, torch.Tensor]:
    """Coordinates that a slow flow has carried along, along a diagonal that closes on the torus."""
    amount = 0.02 + 0.075 * p["folding"]
    along = amount * torus.noise("flow u", 1, 14, 1.9) + 0.004 * torus.noise("fine flow u", 8, 90, 1.5)
    down = amount * torus.noise("flow v", 1, 14, 1.9) + 0.004 * torus.noise("fine flow v", 8, 90, 1.5)
    return torus.u + along, torus.u + torus.v + down


def _breccia(torus: Torus, p: Values, ids: torch.Tensor, cut: bool) -> torch.Tensor:
    """A net of healed cracks between fragments."""
    if p["brecciation"] < 0.35:
        return torch.zeros(torus.size, torus.size)
    warp = [0.02 * torus.noise(f"breccia {axis}", 2, 60, 1.6) for axis in "uv"]
    cells = voronoi(random_sites(torus, "fragments", 46), torus.u + warp[0], torus.v + warp[1])
    strong = smoothstep(torus.noise("healed", 1, 9, 1.2), 0.6 - 1.6 * p["brecciation"], 1.6 - 1.2 * p["brecciation"])
    net = strong * (1 - smoothstep(cells.border, 0.0005, 0.004 + torus.pixel))
    return torus.pieces(net, ids, "cut", TILES * TILES) if cut else net


def _counterpart(stone: torch.Tensor) -> torch.Tensor:
    """The same veins in the stone that checkerboards set beside it: dark for light, light for dark."""
    mirrored = 1.12 - stone[:1]
    return torch.cat([mirrored.clamp(0.16, 0.92), 0.6 * stone[1:]])


MARBLE = Material("marble", PARAMETERS, PALETTES, build)
