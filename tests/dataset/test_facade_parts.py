"""What facades are built of, on a wall of one pixel a centimetre: where a part lies and how far it stands out."""

import math

import pytest
import torch
from tilewright.dataset.procedural.color import DrawnPalette
from tilewright.dataset.procedural.facade_parts import (
    Elevation,
    Opening,
    Sashes,
    lay_cornice,
    lay_pediment,
    lay_pilaster,
    lay_shutters,
    lay_window,
    moulding,
)
from tilewright.dataset.procedural.facade_styles import (
    FLOOR_CM,
    Grid,
    lay_brick,
    lay_classical,
    lay_modern,
    lay_plastered,
)
from tilewright.dataset.procedural.torus import Torus

HIGH, WIDE = 200, 201  # x is 0 in the middle column, y runs up
X = (torch.arange(WIDE) - WIDE // 2).float().expand(HIGH, WIDE)
Y = (HIGH - 0.5 - torch.arange(HIGH)).float()[:, None].expand(HIGH, WIDE)
STONE = torch.tensor([0.7, 0.01, 0.03])[:, None, None].expand(3, HIGH, WIDE)


def bare():
    return Elevation(torch.zeros(HIGH, WIDE), 0.5 * STONE, torch.full((HIGH, WIDE), 0.9), 1.0)


def column(values, x):
    """(HIGH,) values at x from below upwards."""
    return values[:, WIDE // 2 + x].flip(0)


def grooves(line):
    """How many separate stretches of (N,) booleans are true."""
    return int((line[1:] & ~line[:-1]).sum() + line[0])


def test_a_moulding_is_a_fillet_a_hollow_the_corona_and_a_roll():
    y = torch.tensor([100.0, 110.0, 120.0, 150.0, 160.0, 187.0, 200.0])
    found = moulding(y, 100.0, 200.0, 10.0)
    assert found.tolist() == pytest.approx([1.6, 1.6, 2.2, 8.2, 8.2, 10.0, 8.2], abs=1e-4)


def test_a_cornice_covers_its_rectangle_and_has_as_many_dentils_as_asked_for():
    wall = bare()
    lay_cornice(wall, X, Y, 60.0, 100.0, 150.0, 10.0, STONE, 0.75, dentils=8)
    assert wall.parts["trim"].sum() == pytest.approx(120 * 50)
    assert wall.roughness[HIGH - 125, WIDE // 2] == 0.75 and wall.roughness[0, 0] == pytest.approx(0.9)
    row = wall.height[HIGH - 1 - 117]  # a third of the way up
    assert grooves(row > 6.0) == 8 and row.max() == pytest.approx(7.0, abs=1e-3)
    plain = bare()
    lay_cornice(plain, X, Y, 60.0, 100.0, 150.0, 10.0, STONE, 0.75)
    assert grooves(plain.height[HIGH - 1 - 117] > 6.0) == 0


def test_a_window_is_a_reveal_a_frame_with_bars_and_glass_behind():
    wall = bare()
    lay_window(wall, X, Y, Opening(40.0, 20.0, 180.0), Sashes(2, 3, False), STONE, torch.zeros(3), STONE, STONE)
    glass = wall.parts["glass"] > 0.99
    across, up = glass[HIGH - 1 - 45], column(glass, 20)
    assert (grooves(across), grooves(up)) == (2, 3)
    assert torch.equal(glass, glass.flip(-1)) and not column(glass, 0).any()
    assert wall.height[glass].unique().tolist() == [-15] and wall.roughness[glass].max() == pytest.approx(0.06)
    assert column(wall.height, 0)[100] == -11  # the post between both casements
    assert wall.height[HIGH - 1 - 100, WIDE // 2 + 38] == pytest.approx(-9, abs=0.5)  # the reveal
    assert wall.height[:, : WIDE // 2 - 41].abs().max() == 0
    torch.testing.assert_close(
        wall.color[:, glass][:, 0], 0.65 * STONE[:, 0, 0]
    )  # 35 % of the glass before what is seen


def test_shutters_hang_beside_their_window_not_before_it():
    wall, opening = bare(), Opening(40.0, 20.0, 180.0)
    lay_shutters(wall, X, Y, opening, STONE, torch.zeros(HIGH, WIDE))
    shutters = wall.parts["shutters"] > 0.5
    assert torch.equal(shutters, shutters.flip(-1))
    covered = shutters[HIGH - 1 - 100].nonzero().flatten() - WIDE // 2
    assert covered[covered > 0].aminmax() == (44, 82) and covered.abs().min() == 44
    assert column(shutters, 63).nonzero().aminmax() == (19, 180)
    slats = column(wall.height, 63)[30:90]
    assert slats.diff().lt(-1).sum() == pytest.approx(60 / 7, abs=1)  # a louvre every 7 cm


@pytest.mark.parametrize("flutes", [0, 5])
def test_a_pilaster_has_a_base_a_shaft_with_its_flutes_and_a_capital(flutes):
    wall = bare()
    lay_pilaster(wall, X, Y, 30.0, 0.0, 200.0, STONE, 0.75, flutes)
    middle = wall.height[HIGH - 1 - 100]
    assert grooves(middle[WIDE // 2 - 28 : WIDE // 2 + 29] < 6) == flutes
    assert middle.max() == pytest.approx(7) and (middle > 3).sum() == pytest.approx(61, abs=1)
    assert [float(column(wall.height, 0)[y]) for y in (7, 18, 187, 196)] == pytest.approx([11, 9, 10, 13], abs=0.01)
    assert (wall.height[HIGH - 1 - 7] > 3).sum() == pytest.approx(71, abs=1)  # the base is 5 cm wider on each side


@pytest.mark.parametrize(
    ("form", "top", "beside"), [("straight", 0.0, 0.0), ("triangular", 33.6, 16.8), ("segmental", 33.6, 26.2)]
)
def test_a_pediment_rises_above_its_hood_in_its_form(form, top, beside):
    """The rise is 0.42 of the half width; half way out a triangle has half of it, and a segment of a circle more."""
    wall = bare()
    lay_pediment(wall, X, Y, 80.0, 50.0, form, STONE, 0.75)
    for x, rise in ((0, top), (40, beside), (-40, beside)):
        assert column(wall.parts["trim"], x)[65:].sum() == pytest.approx(rise, abs=1)
    radius = (80**2 + 33.6**2) / (2 * 33.6)
    assert math.sqrt(radius**2 - 40**2) - (radius - 33.6) == pytest.approx(26.2, abs=0.1)


def laid(lay, **changes):
    """One bay of one floor, 64 pixels of 5.6 cm."""
    torus = Torus(64, 0, "facade")
    x, y, none = (torus.u - 0.5) * FLOOR_CM, (1 - torus.v) * FLOOR_CM, torch.zeros(64, 64, dtype=torch.long)
    pier = (torus.u - torus.u.round()) * FLOOR_CM
    grid = Grid(1, 1, FLOOR_CM, x, pier, y, none, none)
    values = {"arch": "flat", "hood": "straight", "casements": 2, "panes": 3, "pilasters": "none", "cornice": 0.7,
              "weathering": 0.0, "color_variation": 0.0} | changes  # fmt: skip
    elements = torch.tensor([[0.6, 0.0, 0.0], [0.5, 0.0, 0.0], [0.8, 0.0, 0.0], [0.3, 0.0, 0.0]])
    palette = DrawnPalette(elements, torch.tensor([0.2, 0.0, 0.0]))
    wall = Elevation(torch.zeros(64, 64), torch.full((3, 64, 64), 0.6), torch.full((64, 64), 0.8), grid.cm / 64)
    lay(torus, values, palette, grid, wall)
    return wall, grid


@pytest.mark.parametrize(
    ("lay", "half", "low", "high"),
    [
        (lay_classical, 58, 78, 252),
        (lay_brick, 70, 88, 276),
        (lay_plastered, 60, 78, 276),
        (lay_modern, 162, 108, 318),
    ],
)
def test_glass_lies_within_the_window_of_each_style(lay, half, low, high):
    """Seven and a half centimetres of frame are around it. The modern one is a ribbon of nine tenths of the bay."""
    wall, grid = laid(lay)
    glass = wall.parts["glass"] > 0.9
    assert glass.any() and torch.equal(glass, glass.flip(-1))
    assert grid.x[glass].abs().max() <= half - 7
    assert low + 7 <= grid.y[glass].min() and grid.y[glass].max() <= high - 7
    assert wall.height[glass].max() <= -14.5
    assert sum(wall.parts.values()).sub(1).abs().max() < 1e-5


def test_each_style_has_what_the_others_lack():
    parts = {lay: laid(lay)[0].parts for lay in (lay_classical, lay_brick, lay_plastered, lay_modern)}
    assert [lay for lay, shown in parts.items() if "shutters" in shown] == [lay_plastered]
    assert laid(lay_modern)[0].metallic.max() > 0.5 and laid(lay_classical)[0].metallic.max() == 0


def test_a_round_arch_leaves_no_glass_in_the_corners():
    flat, grid = laid(lay_brick)
    arched, _ = laid(lay_brick, arch="round-arched")
    corner = (grid.x.abs() > 50) & (grid.y > 250)
    assert flat.parts["glass"][corner].max() > 0.9 and arched.parts["glass"][corner].max() < 0.1
