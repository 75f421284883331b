"""Cast concrete: the prints of its formwork, blowholes, tie holes, cracks and the stains of rain."""

from dataclasses import dataclass

import torch

from ...common.oklab import oklab_from_hex
from .cells import random_sites, voronoi
from .color import DrawnPalette, Palette, lighter, over
from .parameters import Choice, Count, Parameters, Range, Values
from .profiles import coverage, rounded, smoothstep
from .surface import Material, Surface
from .torus import Torus

PARAMETERS: Parameters = {
    "formwork": Choice("formwork", ("panel", "board-marked", "cast in one piece"), (3, 3, 1.5)),
    "panels": Count("panels across", 1, 3, 2, "large panels", "small panels"),
    "boards": Count("boards", 8, 20, 12, "broad boards", "narrow boards", step=2),
    "tie_holes": Choice("tie holes", ("with", "without"), (3, 1)),
    "blowholes": Range("blowholes", 0.0, 1.0, 0.45, "dense concrete", "many blowholes"),
    "cracks": Range("cracks", 0.0, 1.0, 0.25, "", "cracked"),
    "clouding": Range("clouding", 0.1, 1.0, 0.45, "even grey", "cloudy"),
    "weathering": Range("weathering", 0.0, 1.0, 0.35, "clean", "streaked by rain"),
    "roughness": Range("roughness", 0.45, 0.9, 0.72, "smooth face", "coarse face"),
}

PALETTES = (
    Palette("mid grey", ("#8f8e8a", "#7f7e7b", "#9d9c97"), "#55534f"),
    Palette("warm grey", ("#9c968a", "#8a8478", "#aca598"), "#5e584d"),
    Palette("pale grey", ("#b1b0ab", "#a09f9a", "#bfbeb9"), "#6b6964"),
    Palette("dark grey", ("#6a6a69", "#5b5b5b", "#787776"), "#3d3c3b"),
    Palette("blue grey", ("#858a8d", "#757a7e", "#94989a"), "#4d5154"),
    Palette("sand", ("#b0a389", "#9d9077", "#bfb39b"), "#6c6250"),
)

SIZE_CM = 240.0


@dataclass(frozen=True)
class Formwork:
    """ids (H, W) of the panels or boards and their count, seam (H, W) the distance in cm to the nearest edge of one,
    hole (H, W) that to the rim of the nearest tie hole, positive inside, and print (H, W) what the grain of boards
    leaves in the face, variance 1."""

    ids: torch.Tensor
    count: int
    seam: torch.Tensor
    hole: torch.Tensor
    print: torch.Tensor


def build(torus: Torus, p: Values, colors: DrawnPalette) -> Surface:
    form = FORMWORKS[p["formwork"]](torus, p)
    if p["tie_holes"] == "without":
        form = Formwork(form.ids, form.count, form.seam, torch.full_like(form.hole, -9.0), form.print)
    hole = coverage(form.hole, SIZE_CM * torus.pixel)
    pits, pit = _blowholes(torus, p)
    crack = _cracks(torus, p)
    sand = torus.noise("sand", 60, 1200, 0.25)
    uneven = torus.noise("uneven", 2, 40, 1.7)
    groove = 1 - smoothstep(form.seam, 0.15, 0.55 + SIZE_CM * torus.pixel)
    level = 0.1 * torus.normal_table("level", form.count)[form.ids]
    height = level + 0.09 * uneven + 0.01 * p["roughness"] * sand + 0.07 * form.print - 0.35 * groove - 0.5 * crack
    height = height - 0.55 * pits - 1.6 * rounded(form.hole, 0.9) * hole
    color = _color(torus, p, colors, form, sand, uneven)
    color = over(color, colors.between, 0.65 * groove + 0.25 * crack)
    color = over(color, colors.between * torch.tensor([0.75, 1.0, 1.0]), 0.8 * pit)
    plug = lighter(color, -0.05 + 0.01 * sand)
    color = over(over(color, plug, hole), colors.between, 0.8 * _rim(form.hole))
    color = _stained(torus, p, color, form)
    roughness = p["roughness"] + 0.05 * uneven + 0.04 * sand + 0.15 * groove + 0.1 * pit
    unseen = UNSEEN[p["formwork"]]
    parts = {"concrete": (1 - groove.clamp(0, 1)) * (1 - pit)}
    return Surface(SIZE_CM, color, height, roughness, torch.zeros_like(height), parts, unseen)


def _panels(torus: Torus, p: Values) -> Formwork:
    across = p["panels"]
    u, v = torus.moved(0.37 / across, 0.29 / across)
    x, y = u * across - (u * across).floor(), v * across - (v * across).floor()
    ids = ((v * across).floor() * across + (u * across).floor()).long()
    side = SIZE_CM / across
    seam = side * torch.minimum(torch.minimum(x, 1 - x), torch.minimum(y, 1 - y))
    seam = seam + 0.05 * torus.noise("ragged seam", 30, 300, 1.0)
    holes = 1 if across == 3 else 2
    hole_x, hole_y = (((place * holes) % 1 - 0.5) * side / holes for place in (x, y))
    print = torus.pieces(torus.noise("plywood", 4, 300, 1.0, (1, 6)), ids, "plywood", across * across)
    return Formwork(ids, across * across, seam, 1.5 - torch.hypot(hole_x, hole_y), 0.12 * print)


def _boards(torus: Torus, p: Values) -> Formwork:
    rows = p["boards"]
    u, v = torus.moved(0.13, 0.5 / rows)
    row = (v * rows).floor()
    offset = torus.table("joints", rows)[row.long()]
    along = u + offset
    ids = row.long()
    side = SIZE_CM / rows
    y = v * rows - row
    seam = torch.minimum(side * torch.minimum(y, 1 - y), SIZE_CM * ((along + 0.5) % 1 - 0.5).abs())
    seam = seam + 0.12 * torus.noise("ragged seam", 20, 300, 1.0, (3, 1))
    holes = 3
    hole_x = ((u * holes) % 1 - 0.5) * SIZE_CM / holes
    hole_y = ((v * 2 - 0.5 / rows * 2) % 1 - 0.5) * SIZE_CM / 2
    return Formwork(ids, rows, seam, 1.5 - torch.hypot(hole_x, hole_y), _wood_print(torus, ids, rows, side))


def _wood_print(torus: Torus, ids: torch.Tensor, count: int, side: float) -> torch.Tensor:
    """Sawn grain: rings cut lengthwise, which bend round a knot here and there, and saw fibres."""
    sway = torus.pieces(torus.noise("sway", 1, 30, 1.5, (5, 1)), ids, "sway", count)
    rings = torch.sin(6.3 * (torus.v * SIZE_CM / side * 4.0 * torus.table("rings", count, 0.6, 1.3)[ids] + 1.2 * sway))
    fibres = torus.pieces(torus.noise("fibres", 40, 900, 0.5, (26, 1)), ids, "fibres", count)
    strong = torus.table("strong", count, 0.3, 1.2)[ids]
    return strong * (0.45 * rings + 0.75 * fibres)


def _in_one(torus: Torus, p: Values) -> Formwork:
    far, ids = torch.full((torus.size, torus.size), 9.0), torch.zeros(torus.size, torus.size, dtype=torch.long)
    return Formwork(ids, 1, far, -far, 0.5 * torus.noise("float", 3, 120, 1.4))


FORMWORKS = {"panel": _panels, "board-marked": _boards, "cast in one piece": _in_one}
UNSEEN = {
    "panel": frozenset({"boards"}),
    "board-marked": frozenset({"panels"}),
    "cast in one piece": frozenset({"boards", "panels", "tie_holes"}),
}


def _blowholes(torus: Torus, p: Values) -> tuple[torch.Tensor, torch.Tensor]:
    """Depth 0..1 of the round holes that air leaves in the face, and how much of a pixel they take."""
    depth, cover = torch.zeros(torus.size, torus.size), torch.zeros(torus.size, torus.size)
    patches = smoothstep(torus.noise("airy", 1, 8, 1.2), -1.6, 1.6)
    warp = 0.0012 * torus.noise("pit warp", 20, 200, 1.2)
    for name, count, largest in (("large pits", 500, 1.1), ("small pits", 2600, 0.5)):
        cells = voronoi(random_sites(torus, name, count), torus.u + warp, torus.v - warp)
        radius = largest * torus.table(f"{name} radius", count).pow(3)[cells.ids] * (0.35 + 0.65 * patches)
        radius = radius * (torus.table(f"{name} open", count) < p["blowholes"])[cells.ids]
        inside = radius - SIZE_CM * cells.offset.norm(dim=0)
        depth = torch.maximum(depth, rounded(inside, 0.3 + radius) * (radius / largest).sqrt())
        cover = torch.maximum(cover, coverage(inside, SIZE_CM * torus.pixel) * (radius > 0.05))
    return depth, cover


def _cracks(torus: Torus, p: Values) -> torch.Tensor:
    """Fine broken lines along the borders of large warped cells, open only here and there."""
    warp = [0.012 * torus.noise(f"crack warp {axis}", 3, 120, 1.9) for axis in "uv"]
    cells = voronoi(random_sites(torus, "crack sites", 7), torus.u + warp[0], torus.v + warp[1])
    open_here = smoothstep(torus.noise("crack open", 1, 6, 1.4), 1.4 - 1.8 * p["cracks"], 2.2 - 1.8 * p["cracks"])
    width = 0.25 * open_here
    return open_here * (1 - smoothstep(SIZE_CM * cells.border, width, width + 1.2 * SIZE_CM * torus.pixel + 0.1))


def _color(
    torus: Torus, p: Values, colors: DrawnPalette, form: Formwork, sand: torch.Tensor, uneven: torch.Tensor
) -> torch.Tensor:
    face = colors.for_elements(torus.rng("panel colors"), form.count, 0.03 * p["clouding"], 0.35)[:, form.ids]
    cloud, fine = torus.noise("cloud", 1, 30, 1.4), torus.noise("mottle", 8, 200, 1.0)
    color = over(face, colors.elements[1], 0.8 * p["clouding"] * smoothstep(cloud, -0.3, 2.0))
    color = over(color, colors.elements[2], 0.8 * p["clouding"] * smoothstep(-cloud, -0.3, 2.0))
    grains = smoothstep(sand, 1.4, 2.6) - smoothstep(-sand, 1.4, 2.6)
    damp = smoothstep(-form.seam, -7.0, 0.0) * smoothstep(cloud + fine, -1.0, 1.5)
    color = lighter(color, 0.014 * fine + 0.008 * sand + 0.02 * grains + 0.012 * form.print + 0.006 * uneven)
    return lighter(color, -0.035 * damp * p["clouding"])


def _rim(hole: torch.Tensor) -> torch.Tensor:
    return smoothstep(-hole.abs(), -0.45, -0.1)


def _stained(torus: Torus, p: Values, color: torch.Tensor, form: Formwork) -> torch.Tensor:
    """Rain draws dark streaks downwards, lime pale ones; tie holes rust."""
    streaks = torus.noise("streaks", 6, 220, 0.9, (1, 14))
    where = smoothstep(torus.noise("rained", 1, 7, 1.2), -0.8, 1.4)
    color = lighter(color, -0.07 * p["weathering"] * where * smoothstep(streaks, 0.2, 2.4))
    lime = smoothstep(torus.noise("lime", 2, 90, 1.3, (1, 5)), 1.3, 3.2) * p["weathering"]
    color = over(color, torch.tensor([0.83, 0.0, 0.01]), 0.4 * lime)
    below = smoothstep(form.hole, -9.0, -1.0) * smoothstep(streaks, -0.5, 1.5) * (form.hole > -9)
    return over(color, oklab_from_hex("#7a5537"), 0.22 * p["weathering"] * below)


CONCRETE = Material("cast concrete", PARAMETERS, PALETTES, build)
