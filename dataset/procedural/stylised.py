"""Hand-painted cliff, planks and ground, as stylised games have them: flat planes of colour, painted edges, no grain.

The planes' tones are a painter's choice and not light: the same for every direction a plane faces.
"""

import torch

from ...common.oklab import oklab_from_hex
from .cells import Cells, random_sites, voronoi
from .color import DrawnPalette, Palette, lighter, over
from .foliage import overgrow
from .painting import Facets, Painting, brushed, hewn, line_width, loose_cells, stepped, toned
from .parameters import Choice, Count, Parameters, Range, Values
from .profiles import coverage, smoothstep
from .surface import Material, Surface
from .torus import Torus

PARAMETERS: Parameters = {
    "subject": Choice("type", ("cliff", "planks", "ground")),
    "pieces": Count("pieces across", 3, 6, 4, "large pieces", "small pieces"),
    "chunkiness": Range("chunkiness", 0.3, 1.0, 0.65, "gentle shapes", "chunky shapes"),
    "planes": Range("contrast of planes", 0.3, 1.0, 0.6, "soft planes", "bold planes"),
    "edges": Range("painted edges", 0.3, 1.0, 0.65, "thin painted edges", "broad painted edges"),
    "strokes": Range("brush strokes", 0.1, 1.0, 0.5, "smooth paint", "visible brush strokes"),
    "damage": Range("damage", 0.0, 1.0, 0.4, "intact", "cracked and chipped"),
    "growth": Range("growth", 0.0, 1.0, 0.3, "bare", "overgrown"),
    "color_variation": Range("colour variation", 0.2, 1.0, 0.55, "even colour", "mixed colours"),
}

# The body, its dark and light planes, the leaves of what grows; the cracks.
PALETTES = (
    Palette("slate blue", ("#6b7d93", "#4c5b75", "#93a7b5", "#6f8f4f"), "#27293f"),
    Palette("sandstone", ("#c09463", "#96684b", "#e0bd86", "#86924a"), "#4a2b2a"),
    Palette("mossy grey", ("#858775", "#62685f", "#aeae92", "#5f8a45"), "#2e3230"),
    Palette("warm brown", ("#8c6142", "#664233", "#b68a58", "#7d9448"), "#33201f"),
    Palette("violet", ("#7a6b94", "#574a78", "#a697b4", "#5b8f7b"), "#2c2142"),
    Palette("teal", ("#5a8a88", "#3f666e", "#8db5a5", "#8aa04e"), "#1e3340"),
    Palette("ember", ("#a75f49", "#7a3f3f", "#d08d62", "#8a8440"), "#3a1c28"),
    Palette("pale stone", ("#b8b0a0", "#8f8a86", "#dcd4bd", "#739557"), "#484350"),
)

SIZE_CM = 300.0


def build(torus: Torus, p: Values, colors: DrawnPalette) -> Surface:
    painting = SUBJECTS[p["subject"]](torus, p, colors)
    overgrow(torus, p, colors, painting, SIZE_CM)
    parts = {name: shown for name, shown in painting.parts.items() if name != "cracks"}
    flat = torch.zeros_like(painting.height)
    return Surface(SIZE_CM, painting.color, painting.height, painting.roughness, flat, parts)


def _cliff(torus: Torus, p: Values, colors: DrawnPalette) -> Painting:
    columns, rows = p["pieces"], max(2, round(0.55 * p["pieces"]))
    rows += rows % 2
    count = columns * rows
    cells = loose_cells(torus, p, "chunks", columns, rows, 0.02)
    facets = hewn(torus, "chunks", cells, count, columns, 5, 0.9)
    small = loose_cells(torus, p, "chips", 3 * columns, 3 * rows, 0.03)
    chips = hewn(torus, "chips", small, 9 * count, 3 * columns, 4, 0.8)
    return _rocks(torus, p, colors, cells, facets, small, chips, columns, count)


def _rocks(
    torus: Torus,
    p: Values,
    colors: DrawnPalette,
    cells: Cells,
    facets: Facets,
    small: Cells,
    chips: Facets,
    columns: int,
    count: int,
) -> Painting:
    """Chunks of rock with chips knocked off in places, painted plane by plane."""
    border = cells.border * columns
    chipped = smoothstep(
        torus.noise("chipped", 2, 12, 1.2) + 0.8 * (0.25 - border), 0.9 - p["damage"], 1.1 - p["damage"]
    )
    tone = torch.lerp(facets.tone, 0.55 * facets.tone + 0.65 * chips.tone, chipped)
    tone = tone + 0.55 * brushed(torus, p, "strokes", (1, 2.5))
    base = colors.for_elements(torus.rng("chunk colors"), count, 0.04 * p["color_variation"], 0.0)[:, cells.ids]
    color = toned(p, colors, base, tone)
    wide = 0.05 * p["edges"]
    ridge = 1 - smoothstep(facets.ridge / line_width(torus, "ridge line"), 0.3 * wide, 0.6 * wide)
    chip_ridge = chipped * (1 - smoothstep(chips.ridge / 3 / line_width(torus, "chip line"), 0.2 * wide, 0.4 * wide))
    rim = smoothstep(border, 0.02, 0.035) * (
        1 - smoothstep(border / line_width(torus, "rim line"), 0.035 + wide, 0.05 + 1.3 * wide)
    )
    light = colors.elements[2] + torch.tensor([0.07, 0.0, 0.01])
    color = over(color, light, 0.5 * chip_ridge + 0.75 * torch.maximum(ridge, rim))
    crack = 1 - smoothstep(border / line_width(torus, "crack line", 0.6), 0.02, 0.035)
    fissure = _fissures(torus, p)
    dark = torch.maximum(crack, fissure)
    color = over(color, colors.between, 0.92 * dark)
    height = 26 * p["chunkiness"] * (facets.height + 0.12 * chipped * (chips.height - 0.8))
    height = height - 7 * (1 - smoothstep(border, 0.0, 0.14)).square() - 9 * crack - 4 * fissure
    painting = Painting(height, color, 0.78 + 0.04 * tone)
    painting.parts = {"stone": 1 - dark, "cracks": dark}
    return painting


def _fissures(torus: Torus, p: Values) -> torch.Tensor:
    """A few dark strokes across the faces, thick in their middle and drawn out to a point."""
    bend = [0.03 * torus.noise(f"fissure {axis}", 2, 14, 1.7) for axis in "uv"]
    cells = voronoi(random_sites(torus, "fissures", 16), torus.u + bend[0], torus.v + bend[1])
    where = smoothstep(torus.noise("fissured", 2, 9, 1.2), 1.5 - 1.3 * p["damage"], 2.6 - 1.3 * p["damage"])
    return where * (1 - smoothstep(cells.border, 0.003 * where, 0.0055 * where + 1e-4))


def _planks(torus: Torus, p: Values, colors: DrawnPalette) -> Painting:
    """Boards with wavering edges, a bold grain of few lines, and notches knocked out of them."""
    rows = p["pieces"] + 1
    width = SIZE_CM / rows
    v = torus.v + 0.5 / rows + 0.035 / rows * torus.noise("waver", 1, 9, 1.6, (1, 3))
    row = (v * rows).floor()
    ids = row.long() % rows
    along = torus.u + torus.table("joints", rows)[ids] + 0.002 * torus.noise("end waver", 6, 30, 1.4)
    cut = SIZE_CM * ((along % 1) - 0.5).abs()
    count = rows
    y = (v * rows - row - 0.5) * width
    notch = smoothstep(torus.noise("notches", 4, 20, 1.3), 2.1 - 0.9 * p["damage"], 2.3 - 0.9 * p["damage"])
    edge = torch.minimum(width / 2 - y.abs(), SIZE_CM / 2 - cut)
    edge = edge - 1.2 - 0.16 * width * notch * smoothstep(-edge, -0.3 * width, -0.12 * width)
    board = coverage(edge, SIZE_CM * torus.pixel)
    grain = torus.pieces(torus.noise("grain", 1, 14, 1.5, (4.5, 1)), ids, "grain", count)
    knot_distance = _knots(torus, p, ids, count, along, y, width)
    field = 1.6 * grain + 2.6 * torch.exp(-(knot_distance / (0.22 * width)).square())
    ring = (field - field.round()).abs()
    bold = line_width(torus, "grain line", 0.15)
    line = (1 - smoothstep(ring / bold, 0.06, 0.12)) * (0.35 + 0.65 * p["strokes"])
    tone = 0.5 * torus.normal_table("board tone", count)[ids] + 0.75 * stepped(field / 1.9, 3)
    tone = tone + 0.4 * brushed(torus, p, "strokes", (6, 1))
    base = colors.for_elements(torus.rng("board colors"), count, 0.05 * p["color_variation"], 0.0)[:, ids]
    color = toned(p, colors, base, tone)
    color = over(color, colors.elements[1] + torch.tensor([-0.07, 0.0, 0.0]), 0.75 * line)
    wide = 4.0 * p["edges"] * line_width(torus, "rim line", 0.25)
    rim = 1 - smoothstep(edge, 0.75 * wide, wide)
    color = over(color, colors.elements[2] + torch.tensor([0.07, 0.0, 0.01]), 0.8 * rim)
    bevel = (0.14 + 0.12 * p["chunkiness"]) * width
    height = -5.0 * p["chunkiness"] * (1 - (edge / bevel).clamp(0, 1)).square() - 0.8 * line + 0.5 * tone
    painting = Painting(
        torch.full_like(y, -9.0), colors.between[:, None, None].expand_as(color), torch.full_like(y, 0.9)
    )
    painting.parts = {"cracks": torch.ones_like(y)}
    painting.lay("wood", board, height, color, 0.68)
    _nails(p, colors, painting, cut, y, width, SIZE_CM * torus.pixel)
    return painting


def _knots(
    torus: Torus, p: Values, ids: torch.Tensor, count: int, along: torch.Tensor, y: torch.Tensor, width: float
) -> torch.Tensor:
    """Distance in cm to the knot of a board, far away on the boards that have none."""
    place = torus.table("knot along", count, 0.2, 0.8)[ids]
    x = SIZE_CM * ((along % 1) - place)
    off = width * torus.table("knot across", count, -0.22, 0.22)[ids]
    distance = torch.hypot(x / 1.5, y - off)
    return torch.where((torus.table("knotted", count) < 0.6)[ids], distance, torch.tensor(999.0))


def _nails(
    p: Values, colors: DrawnPalette, painting: Painting, cut: torch.Tensor, y: torch.Tensor, width: float, pixel: float
) -> None:
    """Two big round heads at each end of a board, each with a painted rim."""
    x, radius = SIZE_CM / 2 - cut - 0.2 * width, 0.075 * width
    inside = radius - torch.hypot(x, y.abs() - 0.25 * width)
    metal = over(
        oklab_from_hex("#5d5a60")[:, None, None].expand_as(painting.color),
        oklab_from_hex("#8f8c8a"),
        1 - smoothstep(inside, 0.25 * radius, 0.4 * radius),
    )
    shade = coverage(inside + 0.3 * radius, pixel)
    painting.color = over(painting.color, colors.between, 0.6 * shade)
    painting.lay(
        "nails", coverage(inside, pixel), painting.height + 1.5 * (inside / radius).clamp(0, 1).sqrt(), metal, 0.45
    )


def _ground(torus: Torus, p: Values, colors: DrawnPalette) -> Painting:
    """Earth in flat tones with ruts and small clods, and hewn flagstones lying in it."""
    waves, fine = torus.noise("earth", 2, 18, 1.4), torus.noise("earth tones", 4, 40, 1.2)
    tone = 0.8 * stepped(waves + 0.35 * fine, 4) + 0.35 * brushed(torus, p, "strokes", (2, 1))
    earth = toned(
        p,
        colors,
        over(
            colors.elements[0][:, None, None].expand(3, *waves.shape), colors.elements[1], torch.full_like(waves, 0.45)
        ),
        tone,
    )
    outline = 1 - smoothstep(((waves + 0.35 * fine) * 2 - ((waves + 0.35 * fine) * 2).round()).abs(), 0.03, 0.07)
    earth = over(earth, colors.between, 0.3 * outline * (0.3 + 0.7 * p["strokes"]))
    painting = Painting(2.5 * waves, earth, torch.full_like(waves, 0.92))
    painting.parts = {"earth": torch.ones_like(waves)}
    for name, across, share, lift in (("pebbles", 4 * p["pieces"], 0.3, 0.3), ("stones", p["pieces"] + 1, 0.75, 1.0)):
        _stones(torus, p, colors, painting, name, across, share, lift)
    return painting


def _stones(
    torus: Torus, p: Values, colors: DrawnPalette, painting: Painting, name: str, across: int, share: float, lift: float
) -> None:
    across += across % 2
    count = across * across
    cells = loose_cells(torus, p, name, across, across, 0.09)
    facets = hewn(torus, name, cells, count, across, 4, 0.55)
    laid = (torus.table(f"{name} laid", count) < share)[cells.ids]
    gap = torus.table(f"{name} gap", count, 0.06, 0.13)[cells.ids]
    inside = torch.where(laid, cells.border * across - gap, torch.tensor(-0.2))
    width = SIZE_CM / across
    shadow = coverage(inside * width + 0.06 * width, SIZE_CM * torus.pixel)
    painting.color = over(painting.color, colors.between, 0.75 * shadow)
    base = _stone(colors).for_elements(torus.rng(f"{name} colors"), count, 0.05 * p["color_variation"], 0.4)[
        :, cells.ids
    ]
    pale = lighter(base, torch.tensor(0.05))
    color = toned(p, colors, pale, facets.tone + 0.4 * brushed(torus, p, f"{name} strokes", (1.5, 1)))
    wide = 0.06 * p["edges"]
    ridge = 1 - smoothstep(facets.ridge / line_width(torus, f"{name} ridge"), 0.3 * wide, 0.6 * wide)
    rim = 1 - smoothstep(inside / line_width(torus, f"{name} rim", 0.2), 0.7 * wide, wide)
    color = over(color, colors.elements[2] + torch.tensor([0.07, 0.0, 0.01]), 0.75 * torch.maximum(ridge, rim))
    edge = 1 - (inside / 0.16).clamp(0, 1)
    height = painting.height + 13 * lift * p["chunkiness"] * (facets.height - 0.3 - 0.45 * edge.square())
    painting.lay("stones", coverage(inside * width, SIZE_CM * torus.pixel), height, color, 0.75)


def _stone(colors: DrawnPalette) -> DrawnPalette:
    return DrawnPalette(colors.elements[:3], colors.between)


SUBJECTS = {"cliff": _cliff, "planks": _planks, "ground": _ground}


STYLISED = Material("hand-painted texture", PARAMETERS, PALETTES, build)
