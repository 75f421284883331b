"""Lace: rosettes, sprigs and garlands worked in cloth stitch, outlined with cord, on a net over a ground of silk.

The holes of the lace show the ground; the opacity map cuts them out.
"""

import math
from dataclasses import dataclass

import torch

from .color import DrawnPalette, Palette, lighter, over
from .lace_motifs import Shape, garland, ogee, picots, rosette, sprig
from .parameters import Choice, Count, Parameters, Range, Values
from .profiles import coverage, line_coverage, smoothstep
from .surface import Material, Surface
from .torus import Torus

PARAMETERS: Parameters = {
    "motifs": Count("motifs across", 1, 3, 1, "large ornaments", "small ornaments"),
    "petals": Choice("petals", ("8", "6", "10", "12"), (3, 2, 2, 2)),
    "form": Choice("petals", ("round", "pointed", "notched"), (3, 3, 2)),
    "between": Choice("arrangement", ("winding garland", "ogee lattice", "scattered sprig"), (3, 2, 2)),
    "net": Choice("net", ("hexagonal", "diamond", "square"), (4, 2, 1.5)),
    "mesh": Range("mesh in mm", 1.3, 2.4, 1.8, "fine net", "open net"),
    "cord": Range("cord in mm", 0.45, 1.0, 0.7, "fine outlines", "bold outlines"),
    "relief": Range("thread relief", 0.5, 1.3, 0.9, "flat lace", "raised lace"),
    "dots": Range("dots on the net", 0.0, 1.0, 0.5, "", "dotted net"),
    "irregularity": Range("irregularity", 0.0, 1.0, 0.3, "machine-made", "handmade"),
}

# Thread and cord; the ground beneath.
PALETTES = (
    Palette("white on slate blue", ("#e6e2d8", "#f4f1ea"), "#4c5d74"),
    Palette("ivory on burgundy", ("#e0d2b6", "#efe5d0"), "#5b2029"),
    Palette("black on rose", ("#262428", "#131216"), "#b98a86"),
    Palette("gold on black", ("#b9924d", "#d5b271"), "#1f1d20"),
    Palette("white on sage", ("#e4e4da", "#f3f3ec"), "#6d8069"),
    Palette("navy on cream", ("#2c3854", "#1a2238"), "#d5c8ae"),
    Palette("ecru on teal", ("#d6c7a8", "#e6dcc5"), "#2b575b"),
    Palette("silver on plum", ("#b7b6ba", "#d3d2d5"), "#452c48"),
)

MOTIF_CM = 9.0  # from one rosette to the next


@dataclass(frozen=True)
class Work:
    """Threads (H, W): opacity 0..1 and height in mm over the ground; cord 1 where the outlining cord lies."""

    opacity: torch.Tensor
    height: torch.Tensor
    cord: torch.Tensor


def build(torus: Torus, p: Values, colors: DrawnPalette) -> Surface:
    cm = p["motifs"] * MOTIF_CM
    u, v = _handmade(torus, p, cm)
    fills = _fills(torus, p, u, v, cm)
    work = _worked(torus, p, _shapes(torus, p, u, v), fills, cm)
    thread, cord = colors.elements
    fibres = torus.noise("fibres", 90, cm / 0.03, 0.3)
    uneven = torus.noise("uneven", 2, cm / 0.3, 1.2)
    shade = 0.012 * fibres + 0.01 * uneven + 0.035 * (work.height - 0.3) * p["relief"]
    color = lighter(thread[:, None, None].expand(3, *fibres.shape), shade)
    color = over(color, lighter(cord[:, None, None].expand_as(color), 0.01 * fibres), work.cord)
    silk = lighter(colors.between[:, None, None].expand_as(color), _silk(torus, cm))
    height = p["relief"] * work.height + 0.012 * fibres * work.opacity
    roughness = torch.lerp(0.5 + 0.02 * fibres, 0.78 - 0.12 * work.cord + 0.03 * fibres, work.opacity)
    parts = {"lace": work.opacity, "ground": 1 - work.opacity}
    flat = torch.zeros_like(height)
    return Surface(
        cm, over(silk, color, work.opacity), height / 10, roughness, flat, parts, opacity=work.opacity.clamp(0, 1)
    )


def _handmade(torus: Torus, p: Values, cm: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Tile coordinates as a hand would draw them, moved so that no axis of a motif lies on the tile's edge."""
    shift = 0.004 * p["irregularity"] / p["motifs"]
    u, v = torus.moved(0.23 / p["motifs"], 0.31 / p["motifs"])
    return u + shift * torus.noise("drift u", 1, cm / 0.8, 1.5), v + shift * torus.noise("drift v", 1, cm / 0.8, 1.5)


def _shapes(torus: Torus, p: Values, u: torch.Tensor, v: torch.Tensor) -> list[Shape]:
    """All ornaments from the lowest to the uppermost: rosettes at whole places, sprigs at half places."""
    rng = torus.rng("design")
    a, b = u * p["motifs"], v * p["motifs"]
    whole = a - a.round(), b - b.round()
    half = a - a.floor() - 0.5, b - b.floor() - 0.5
    cord = p["cord"] / 10 / MOTIF_CM
    petals, form = int(p["petals"]), p["form"]
    point = rng.uniform(0.1, 0.3)
    shapes = []
    if p["between"] == "ogee lattice":
        shapes += [Shape(ogee(a, b, 0.1, point), "cloth", cord), Shape(ogee(a, b, 0.055, point), "open", 0.7 * cord)]
        shapes += [Shape(torch.minimum(ogee(a, b, 0.055, point), _crossing(a, b, 0.016)), "cloth", 0.4 * cord)]
    if p["between"] == "winding garland":
        shapes += garland(*whole, int(rng.integers(16, 24)), rng.uniform(0.06, 0.08), cord)
    radius = rng.uniform(0.31, 0.35)
    if rng.random() < 0.7:
        shapes += picots(*whole, 4 * petals, radius * 1.0, 0.02, 0.8 * cord)
    shapes += rosette(*whole, petals, form, radius, rng, cord)
    small = rng.uniform(0.13, 0.17)
    shapes += picots(*half, 2 * petals, small * 1.12, 0.014, 0.7 * cord)
    shapes += sprig(*half, int(rng.choice([5, 6, 8])), form, small, 0.9 * cord)
    if p["between"] == "scattered sprig":
        for right, down in ((0.5, 0.0), (0.0, 0.5)):
            x, y = a + right, b + down
            shapes += sprig(x - x.round(), y - y.round(), 4, "pointed", 0.15, 0.9 * cord)
    return shapes


def _crossing(a: torch.Tensor, b: torch.Tensor, size: float) -> torch.Tensor:
    """Bars that cross in the openings of the lattice."""
    first, second = (a + b) * 14, (a - b) * 14
    nearest = torch.minimum((first - first.round()).abs(), (second - second.round()).abs())
    return size / 2 - nearest / (14 * math.sqrt(2))


def _fills(torus: Torus, p: Values, u: torch.Tensor, v: torch.Tensor, cm: float) -> dict[str, Work]:
    none = torch.zeros_like(u)
    return {
        "net": _net(torus, p, u, v, cm),
        "cloth": _cloth(torus, u, v, cm),
        "half stitch": _lattice(torus, u, v, cm, 0.17, 0.02),
        "open": Work(none, none, none),
    }


def _worked(torus: Torus, p: Values, shapes: list[Shape], fills: dict[str, Work], cm: float) -> Work:
    """The shapes laid over the net and over each other, each with the cord along its outline."""
    opacity, height, cord = fills["net"].opacity, fills["net"].height, fills["net"].cord
    pixel = cm * torus.pixel
    for shape in shapes:
        distance = shape.distance * MOTIF_CM
        inside = coverage(distance, pixel)
        fill = fills[shape.fill]
        opacity = torch.lerp(opacity, fill.opacity, inside)
        height = torch.lerp(height, fill.height, inside)
        cord = cord * (1 - inside)
        half = shape.cord * MOTIF_CM / 2
        line = line_coverage(distance.abs(), half, pixel)
        section = (1 - (distance / max(half, pixel)).square()).clamp(min=0).sqrt()
        opacity, cord = torch.maximum(opacity, line), torch.maximum(cord, line)
        height = torch.maximum(height, (0.28 + 0.45 * section) * line)
    return Work(opacity, height, cord)


def _net(torus: Torus, p: Values, u: torch.Tensor, v: torch.Tensor, cm: float) -> Work:
    """The ground net, with small worked dots on some of its knots."""
    mesh = p["mesh"] / 10
    thread = 0.017
    if p["net"] == "hexagonal":
        border, knot = _hexagons(u, v, round(cm / mesh), cm)
    else:
        count = round(cm / mesh)
        s, t = ((u + v) * count, (u - v) * count) if p["net"] == "diamond" else (u * count, v * count)
        side = cm / count / (math.sqrt(2) if p["net"] == "diamond" else 1)
        border = side * torch.minimum((s - s.round()).abs(), (t - t.round()).abs())
        knot = side * torch.hypot(s - s.round(), t - t.round())
    pixel = cm * torus.pixel
    line = line_coverage(border, thread, pixel)
    round_section = (1 - (border / thread).clamp(0, 1).square()).sqrt()
    dot = coverage(_dots(torus, p, u, v, cm) - 0.0, pixel)
    twist = coverage(1.7 * thread - knot, pixel) * min(1.0, (2 * thread / pixel) ** 2)
    opacity = torch.maximum(torch.maximum(line, 0.9 * twist), dot)
    height = torch.maximum(line * (0.1 + 0.14 * round_section), torch.maximum(0.22 * twist, 0.4 * dot))
    return Work(opacity, height, torch.zeros_like(line))


def _hexagons(u: torch.Tensor, v: torch.Tensor, columns: int, cm: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Distances in cm to the sides and to the corners of hexagons, `columns` of them across and an even number of
    rows."""
    rows = 2 * round(columns / math.sqrt(3))  # pairs of rows make one lattice of whole places
    x, y = u * columns, v * rows / 2
    height = columns / (rows / 2)  # of a pair of rows, in widths of a hexagon
    first = (x - x.round(), (y - y.round()) * height)
    second = (x - x.floor() - 0.5, (y - y.floor() - 0.5) * height)
    nearer = torch.hypot(*first) < torch.hypot(*second)
    along, down = (torch.where(nearer, one, other).abs() for one, other in zip(first, second, strict=True))
    inside = 0.5 - torch.maximum(along, along / 2 + down * math.sqrt(3) / 2)
    corner = torch.minimum(torch.hypot(along - 0.5, down - 0.2887), torch.hypot(along, down - 0.5774))
    return inside * cm / columns, corner * cm / columns


def _dots(torus: Torus, p: Values, u: torch.Tensor, v: torch.Tensor, cm: float) -> torch.Tensor:
    """Distance in cm to the dots that are strewn over the net in rows, each row set between those of the last."""
    if p["dots"] < 0.25:
        return torch.full_like(u, -1.0)
    count = 2 * round(cm / 1.6)
    row = (v * count).floor()
    s = u * count / 2 + 0.5 * (row % 2)
    x, y = (s - s.floor() - 0.5) * 2 * cm / count, (v * count - row - 0.5) * cm / count
    return 0.05 + 0.05 * p["dots"] - torch.hypot(x, y)


def _cloth(torus: Torus, u: torch.Tensor, v: torch.Tensor, cm: float) -> Work:
    """Cloth stitch: threads close side by side, over and under each other, with pinholes between them."""
    count = round(cm / 0.075)
    x, y = 2 * math.pi * u * count / 2, 2 * math.pi * v * count / 2
    visible = min(max(2 - 3.2 * count * torus.pixel, 0.0), 1.0)
    relief = visible * torch.sin(x) * torch.sin(y)
    hole = visible * (torch.cos(x).square() * torch.cos(y).square()) ** 3
    return Work(1 - 0.5 * hole, 0.34 + 0.07 * relief - 0.12 * hole, torch.zeros_like(u))


def _lattice(torus: Torus, u: torch.Tensor, v: torch.Tensor, cm: float, pitch: float, thread: float) -> Work:
    """Half stitch: a fine trellis of crossing threads, and a third one through it."""
    count, pixel = round(cm / pitch), cm * torus.pixel
    ways = ((u + v) * count, (u - v) * count, v * count)
    spacing = (cm / count / math.sqrt(2), cm / count / math.sqrt(2), cm / count)
    lines = [gap * (way - way.round()).abs() for way, gap in zip(ways, spacing, strict=True)]
    border = torch.stack(lines).amin(0)
    line = line_coverage(border, thread, pixel)
    return Work(line, line * (0.16 + 0.1 * smoothstep(thread - border, 0.0, thread)), torch.zeros_like(u))


def _silk(torus: Torus, cm: float) -> torch.Tensor:
    """How much lighter the ground is from place to place: a fine weave and a slow sheen."""
    weave = [torus.noise(f"silk {way}", 60, cm / 0.04, 0.4, way) for way in ((6, 1), (1, 6))]
    return 0.007 * sum(weave) + 0.012 * torus.noise("sheen", 1, cm / 3, 1.5)


LACE = Material("lace", PARAMETERS, PALETTES, build, see_through=True)
