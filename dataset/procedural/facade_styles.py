"""The four kinds of houses: what each lays upon its wall, bay by bay and floor by floor."""

from dataclasses import dataclass

import torch

from ...common.oklab import oklab_from_hex
from .color import DrawnPalette, lighter, over
from .facade_parts import (
    Elevation,
    Opening,
    Sashes,
    box,
    lay_cornice,
    lay_pediment,
    lay_pilaster,
    lay_shutters,
    lay_window,
)
from .parameters import Values
from .profiles import coverage, smoothstep
from .torus import Torus

FLOOR_CM = 360.0
OPEN = {"flat": 0.0, "round-arched": 1.0, "segmental-arched": 0.38}  # the arch's rise in half widths


@dataclass(frozen=True)
class Grid:
    """Bays and floors: where each pixel lies from the middle of its bay (x) and from the nearest line between two
    bays (pier), up from its floor line (y) in cm, and the number of its window."""

    bays: int
    floors: int
    cm: float
    x: torch.Tensor
    pier: torch.Tensor
    y: torch.Tensor
    bay: torch.Tensor
    floor: torch.Tensor

    @property
    def width(self) -> float:
        return self.cm / self.bays

    @property
    def window(self) -> torch.Tensor:
        return self.floor * self.bays + self.bay


def plain(color: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return color[:, None, None].expand(3, *like.shape)


def _inside(torus: Torus, p: Values, colors: DrawnPalette, grid: Grid, opening: Opening) -> torch.Tensor:
    """What is seen through the windows: dark rooms, curtains drawn to the sides, blinds let down."""
    count = grid.bays * grid.floors
    dark = lighter(plain(colors.between, grid.x), 0.02 * torus.noise("rooms", 1, 8, 1.4) - 0.01)
    drawn = torus.table("curtain", count, -0.25, 0.7)[grid.window] * opening.half
    folds = torch.sin(grid.x / 2.6 + 2 * torus.noise("folds", 1, 10, 1.5))
    cloth = lighter(plain(oklab_from_hex("#b9b1a2"), folds), 0.05 * folds)
    room = over(dark, cloth, 0.62 * coverage(grid.x.abs() - opening.half + drawn, 3.0) * (drawn > 0))
    low = opening.high - torus.table("blind", count, -1.2, 0.75)[grid.window] * (opening.high - opening.low)
    slats = torch.sin(grid.y / 1.1)
    blind = lighter(plain(oklab_from_hex("#c9c1ae"), slats), 0.02 * slats)
    down = (torus.table("blinds", count) < 0.3)[grid.window]
    return over(room, blind, 0.7 * coverage(grid.y - low, grid.cm * torus.pixel) * down)


def _opening(p: Values, grid: Grid, half: float, low: float, high: float) -> Opening:
    half = min(half, 0.36 * grid.width)
    return Opening(half, low, high, OPEN[p["arch"]] * half)


def _glazed(
    torus: Torus, p: Values, colors: DrawnPalette, grid: Grid, wall: Elevation, opening: Opening, sashes: Sashes
) -> None:
    joinery, reveal = plain(colors.elements[3], grid.x), lighter(wall.color, torch.tensor(-0.03))
    room = _inside(torus, p, colors, grid, opening)
    lay_window(wall, grid.x, grid.y, opening, sashes, joinery, colors.between, room, reveal)


def _sashes(p: Values, transom: bool) -> Sashes:
    return Sashes(p["casements"], p["panes"], transom)


def lay_classical(torus: Torus, p: Values, colors: DrawnPalette, grid: Grid, wall: Elevation) -> None:
    trim = _trim(torus, colors)
    opening = _opening(p, grid, 58.0, 78.0, 252.0)
    distance = opening.distance(grid.x, grid.y)
    wall.lay(box(grid.x, grid.y, opening.half + 16, 26.0, 66.0), 2.5, trim, 0.75, "trim", bevel=2.0)
    wall.lay(box(grid.x, grid.y, opening.half + 6, 34.0, 58.0), 1.0, lighter(trim, torch.tensor(-0.02)), 0.75, "trim")
    wall.lay(distance + 17.0, 3.0, trim, 0.75, "trim", bevel=1.5)
    wall.lay(distance + 12.0, 5.0, trim, 0.75, "trim", bevel=2.5)
    if opening.rise:
        key = box(grid.x / (1 + 0.006 * (grid.y - opening.high)), grid.y, 11.0, opening.high - 4, opening.high + 24)
        wall.lay(key, 9.0, trim, 0.75, "trim", bevel=2.0)
    _hood(p, grid, wall, opening, trim)
    lay_cornice(wall, grid.x, grid.y, opening.half + 22, 66.0, 78.0, 12.0, trim, 0.75)
    _glazed(torus, p, colors, grid, wall, opening, _sashes(p, transom=True))
    wide = 0.1 * grid.width
    if p["pilasters"] != "none":
        flutes = 5 if p["pilasters"] == "fluted" else 0
        lay_pilaster(wall, grid.pier, grid.y, wide, 0.0, FLOOR_CM - 46, trim, 0.75, flutes)
    heavy = p["cornice"]
    dentils = 2 * round(grid.width / 28)
    lay_cornice(
        wall,
        grid.x,
        grid.y,
        grid.width,
        FLOOR_CM - 50,
        FLOOR_CM - 8 - 20 * (1 - heavy),
        8 + 20 * heavy,
        trim,
        0.75,
        2 * dentils,
    )


def _hood(p: Values, grid: Grid, wall: Elevation, opening: Opening, trim: torch.Tensor) -> None:
    low = opening.high + (17 if not opening.rise else 22)
    forms = {"alternating": ("triangular", "segmental")}.get(p["hood"], (p["hood"],))
    for number, form in enumerate(forms):
        here = (grid.bay + grid.floor) % len(forms) == number
        x = torch.where(here, grid.x, torch.tensor(1e4))
        lay_pediment(wall, x, grid.y, min(opening.half + 24, 0.46 * grid.width), low, form, trim, 0.75)


def _trim(torus: Torus, colors: DrawnPalette) -> torch.Tensor:
    grain, cloud = torus.noise("trim grain", 30, 400, 0.8), torus.noise("trim cloud", 1, 12, 1.4)
    return lighter(plain(colors.elements[2], grain), 0.01 * grain + 0.012 * cloud)


def lay_brick(torus: Torus, p: Values, colors: DrawnPalette, grid: Grid, wall: Elevation) -> None:
    trim = _trim(torus, colors)
    opening = _opening(p, grid, 70.0, 88.0, 276.0)
    distance = opening.distance(grid.x, grid.y)
    _voussoirs(torus, grid, wall, opening, distance, colors)
    stone = box(grid.x, grid.y, 13.0, opening.high - 1, opening.high + 30)
    wall.lay(stone, 4.0, trim, 0.75, "trim", bevel=1.5)
    lay_cornice(wall, grid.x, grid.y, opening.half + 15, 74.0, 88.0, 9.0, trim, 0.75)
    _glazed(torus, p, colors, grid, wall, opening, _sashes(p, transom=False))
    if p["pilasters"] != "none":
        wall.lay(0.11 * grid.width - grid.pier.abs(), wall.height + 6.0, wall.color, 0.85, "wall", bevel=1.0)
        if p["pilasters"] == "fluted":
            course = (grid.y / 45.0).floor() % 2 == 0
            wall.lay(
                torch.where(course, 0.13 * grid.width - grid.pier.abs(), torch.tensor(-1.0)),
                9.0,
                trim,
                0.75,
                "trim",
                bevel=1.5,
            )
    band = FLOOR_CM - 44
    lay_cornice(wall, grid.x, grid.y, grid.width, band, band + 18 + 14 * p["cornice"], 7 + 9 * p["cornice"], trim, 0.75)


def _voussoirs(
    torus: Torus, grid: Grid, wall: Elevation, opening: Opening, distance: torch.Tensor, colors: DrawnPalette
) -> None:
    """Bricks on end over the opening, fanned out about the arch's middle."""
    middle = opening.high - max(1.6 * opening.half, opening.rise)
    if opening.rise:
        middle = opening.high - (opening.half**2 + opening.rise**2) / (2 * opening.rise)
    fan = torch.atan2(grid.x, (grid.y - middle).clamp(min=1.0)) * (opening.high - middle) / 8.5
    joint = smoothstep((fan - fan.round()).abs(), 0.38, 0.48)
    above = torch.minimum(distance + 26.0, grid.y - opening.high + opening.rise + 2.0)
    shade = torus.normal_table("voussoirs", 64)[fan.round().long() % 64]
    color = lighter(plain(colors.elements[1], fan), 0.025 * shade - 0.05)
    mortar = lighter(plain(colors.elements[2], fan), torch.tensor(-0.08))
    wall.lay(above, 2.2 - 0.9 * joint, over(color, mortar, 0.8 * joint), 0.85, "wall", bevel=1.0)


def lay_plastered(torus: Torus, p: Values, colors: DrawnPalette, grid: Grid, wall: Elevation) -> None:
    trim = _trim(torus, colors)
    opening = _opening(p, grid, min(60.0, 0.21 * grid.width), 78.0, 276.0)
    distance = opening.distance(grid.x, grid.y)
    wall.lay(distance + 13.0, 2.0, trim, 0.8, "trim", bevel=1.5)
    worn = torus.noise("worn paint", 20, 300, 0.9, (4, 1))
    lay_shutters(wall, grid.x, grid.y, opening, plain(colors.elements[3], worn), worn)
    lay_cornice(wall, grid.x, grid.y, opening.half + 18, 66.0, 78.0, 10.0, trim, 0.78)
    if p["hood"] == "straight":
        lay_cornice(wall, grid.x, grid.y, opening.half + 20, opening.high + 16, opening.high + 32, 11.0, trim, 0.78)
    _glazed(torus, p, colors, grid, wall, opening, _sashes(p, transom=False))
    band = FLOOR_CM - 40
    lay_cornice(wall, grid.x, grid.y, grid.width, band, band + 16 + 10 * p["cornice"], 4 + 8 * p["cornice"], trim, 0.78)


def lay_modern(torus: Torus, p: Values, colors: DrawnPalette, grid: Grid, wall: Elevation) -> None:
    """Ribbons of glass between slabs, panels below them, fins between the bays."""
    metal = plain(oklab_from_hex("#5a5d60"), grid.x)
    opening = Opening(0.45 * grid.width, 108.0, 318.0)
    panel = (grid.x / grid.width + 0.5) * (1 + p["casements"])
    joint = (panel - panel.round()).abs() * grid.width / (1 + p["casements"])
    shade = (
        0.03 * p["color_variation"] * torus.normal_table("panels", 64)[(panel.floor() + 7 * grid.window).long() % 64]
    )
    face = lighter(plain(colors.elements[2], joint), shade)
    wall.lay(
        torch.minimum(box(grid.x, grid.y, 0.49 * grid.width, 18.0, 104.0), joint - 0.8),
        3.0,
        face,
        0.55,
        "trim",
        bevel=1.0,
    )
    _glazed(
        torus, p, colors, grid, wall, opening, Sashes(1 + p["casements"], 1 + p["panes"] // 3, transom=p["panes"] > 2)
    )
    wall.lay(box(grid.x, grid.y, 0.47 * grid.width, 103.0, 109.0), 6.0, metal, 0.4, "frames", bevel=1.5, metallic=1.0)
    if p["pilasters"] != "none":
        wall.lay(
            9.0 - grid.pier.abs(), 14.0, metal if p["pilasters"] == "plain" else wall.color, 0.5, "frames", bevel=2.0
        )
    slab = box(grid.x, grid.y, grid.width, FLOOR_CM - 30, FLOOR_CM - 30 + 14 + 12 * p["cornice"])
    wall.lay(slab, 10 + 8 * p["cornice"], _trim(torus, colors), 0.7, "trim", bevel=2.0)
