"""Rock: facets broken along planes, strata, cracks and lichen over rugged noise."""

import torch

from ...common.oklab import oklab_from_hex
from .cells import random_sites, voronoi
from .color import DrawnPalette, Palette, lighter, over
from .parameters import Count, Parameters, Range, Values
from .profiles import smoothstep
from .surface import Material, Surface
from .torus import Torus

PARAMETERS: Parameters = {
    "blocks": Count("blocks across", 2, 5, 3, "massive rock", "broken rock"),
    "facets": Range("facets", 0.1, 1.0, 0.6, "smooth worn rock", "sharp facets"),
    "strata": Range("strata", 0.0, 1.0, 0.3, "", "layered strata"),
    "layers": Count("layers", 4, 16, 8, "thick layers", "thin layers"),
    "cracks": Range("cracks", 0.0, 1.0, 0.4, "", "cracked"),
    "ruggedness": Range("ruggedness", 0.2, 1.0, 0.5, "smooth grain", "rugged"),
    "lichen": Range("lichen", 0.0, 1.0, 0.2, "", "lichen"),
    "color_variation": Range("colour variation", 0.2, 1.0, 0.5, "even colour", "mixed colours"),
    "roughness": Range("roughness", 0.65, 0.95, 0.85, "polished surface", "rough surface"),
}

PALETTES = (
    Palette("grey granite", ("#7f7d7a", "#66655f", "#98948c"), "#3f3c38"),
    Palette("red sandstone", ("#a4694a", "#8a5138", "#bd8a66"), "#4f3024"),
    Palette("yellow sandstone", ("#b59a6c", "#9c7f52", "#cbb78e"), "#5f4c32"),
    Palette("slate", ("#565b61", "#464a50", "#6c6f70"), "#2a2c2f"),
    Palette("limestone", ("#b0a999", "#9a917f", "#c5c0b3"), "#5f584b"),
    Palette("basalt", ("#47464a", "#38373a", "#5a5754"), "#1f1e20"),
    Palette("ochre cliff", ("#9b7b52", "#7b6142", "#b19a74"), "#43321f"),
    Palette("green schist", ("#67705f", "#545d50", "#828a77"), "#2e332b"),
)

SIZE_CM = 120.0


def build(torus: Torus, p: Values, colors: DrawnPalette) -> Surface:
    u, v = _warped(torus, 0.03)
    large, edge = _facets(torus, "large", p["blocks"], u, v)
    small, small_edge = _facets(torus, "small", 3 * p["blocks"], *_warped(torus, 0.012))
    layer, band = _strata(torus, p)
    crack = _cracks(torus, p)
    rugged = torus.noise("rugged", 4, 90, 1.6)
    ridges = 1 - torus.noise("ridges", 3, 24, 1.7).abs()
    grain = torus.noise("grain", 50, 400, 0.3)
    broken = p["facets"] * (4.0 * large + 1.2 * small) + 2.2 * (1 - p["facets"]) * torus.noise("swell", 1, 12, 1.9)
    height = broken + 2.6 * p["strata"] * layer + (0.1 + 0.35 * p["ruggedness"]) * (rugged + 0.6 * ridges)
    height = height + 0.025 * grain * p["ruggedness"] - 2.4 * crack
    color = _color(torus, p, colors, layer, band, rugged, grain)
    seams = crack + 0.4 * p["facets"] * (1 - smoothstep(edge, 0.0, 0.02))
    color = over(color, colors.between, 0.75 * seams.clamp(0, 1))
    lichen = _lichen(torus, p, rugged)
    pale = over(
        oklab_from_hex("#9a9b83")[:, None, None].expand_as(color),
        oklab_from_hex("#a88f4a"),
        smoothstep(torus.noise("kinds", 3, 12, 1.5), 0.4, 0.8),
    )
    color = over(color, lighter(pale, 0.03 * grain), 0.8 * lichen)
    height = height + 0.08 * lichen
    roughness = (
        p["roughness"] + 0.03 * rugged + 0.04 * grain + 0.08 * lichen + 0.05 * (1 - smoothstep(small_edge, 0, 0.01))
    )
    solid = (1 - lichen) * (1 - seams.clamp(0, 1))
    parts = {"rock": solid} | ({"lichen": lichen} if p["lichen"] > 0.4 else {})
    unseen = frozenset({"layers"} if p["strata"] < 0.25 else ())
    return Surface(SIZE_CM, color, height, roughness, torch.zeros_like(height), parts, unseen)


def _warped(torus: Torus, amount: float) -> tuple[torch.Tensor, torch.Tensor]:
    across, down = (torus.noise(f"{name} {amount}", 2, 16, 2.0) for name in ("warp u", "warp v"))
    return torus.u + amount * across, torus.v + amount * down


def _facets(
    torus: Torus, name: str, across: int, u: torch.Tensor, v: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Planes broken at cell borders: each cell a level and a slope of its own. Height about -1..1, and the distance
    to the border."""
    count = across * across
    cells = voronoi(random_sites(torus, f"{name} sites", count), u, v)
    level, slope_u, slope_v = torus.normal_table(f"{name} planes", 3 * count).view(3, -1)[:, cells.ids]
    return 0.2 * level + 0.7 * across * (slope_u * cells.offset[0] + slope_v * cells.offset[1]), cells.border


def _strata(torus: Torus, p: Values) -> tuple[torch.Tensor, torch.Tensor]:
    """Ledges of layers (0..1 within each), and a number -1..1 that is constant in a layer."""
    bend = 0.8 * torus.noise("bend", 1, 10, 1.8) + 0.12 * torus.noise("split", 6, 60, 1.2)
    phase = p["layers"] * torus.v + bend
    layer = phase.floor()
    inside = phase - layer
    tones = torus.normal_table("layers", p["layers"])
    this, following = (tones[(layer.long() + k) % p["layers"]] for k in (0, 1))
    soft = smoothstep(inside, 0.8, 1.0)
    ledge = 0.5 * torch.lerp(this, following, soft) + 0.35 * (1 - smoothstep(inside, 0.82, 1.0)) * smoothstep(
        inside, 0.0, 0.12
    )
    return ledge, torch.lerp(this, following, soft)


def _cracks(torus: Torus, p: Values) -> torch.Tensor:
    u, v = _warped(torus, 0.02)
    cells = voronoi(random_sites(torus, "crack sites", 14), u, v)
    open_here = smoothstep(torus.noise("open", 1, 8, 1.4), 1.2 - 2.2 * p["cracks"], 2.2 - 2.0 * p["cracks"])
    width = 0.0025 + 0.004 * p["cracks"] * open_here
    return (1 - smoothstep(cells.border, 0.3 * width, width + torus.pixel)) * open_here


def _lichen(torus: Torus, p: Values, rugged: torch.Tensor) -> torch.Tensor:
    patches = torus.noise("lichen", 5, 120, 1.1) + 0.5 * torus.noise("colonies", 1, 5, 1.0)
    return smoothstep(patches + 0.15 * rugged, 2.3 - 1.3 * p["lichen"], 2.7 - 1.3 * p["lichen"]) * min(
        1.0, 4 * p["lichen"]
    )


def _color(
    torus: Torus,
    p: Values,
    colors: DrawnPalette,
    layer: torch.Tensor,
    band: torch.Tensor,
    rugged: torch.Tensor,
    grain: torch.Tensor,
) -> torch.Tensor:
    mix = torus.noise("mix", 1, 30, 1.4)
    color = colors.elements[0][:, None, None].expand(3, *rugged.shape)
    color = over(color, colors.elements[1], p["color_variation"] * smoothstep(mix, -0.2, 1.8))
    color = over(color, colors.elements[2], p["color_variation"] * smoothstep(-mix, -0.2, 1.8))
    color = lighter(color, 0.07 * p["strata"] * band)
    flecks = smoothstep(grain, 1.0, 2.2) - smoothstep(-grain, 1.0, 2.2)
    stain = torus.noise("stain", 1, 20, 1.3, (1, 3))
    return lighter(color, 0.022 * rugged + 0.035 * flecks + 0.012 * grain - 0.03 * smoothstep(stain, 0.3, 2.0))


ROCK = Material("rock face", PARAMETERS, PALETTES, build)
