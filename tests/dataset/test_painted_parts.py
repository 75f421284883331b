"""The means of a painter: tones, strokes, lines, chunks and leaves."""

import pytest
import torch
from tilewright.dataset.procedural.cells import voronoi
from tilewright.dataset.procedural.color import DrawnPalette
from tilewright.dataset.procedural.foliage import overgrow
from tilewright.dataset.procedural.painting import (
    Painting,
    brushed,
    hewn,
    line_width,
    loose_cells,
    stepped,
    toned,
)
from tilewright.dataset.procedural.torus import Torus

BODY, DARK, LIGHT, LEAF = torch.tensor([[0.5, 0.0, 0.0], [0.3, 0.02, -0.04], [0.8, 0.0, 0.06], [0.6, -0.1, 0.1]])
COLORS = DrawnPalette(torch.stack([BODY, DARK, LIGHT, LEAF]), torch.tensor([0.2, 0.0, 0.0]))


def test_tones_move_towards_the_dark_and_the_light_of_the_palette():
    base, tone = BODY[:, None, None].expand(3, 1, 4), torch.tensor([[-1.6, 0.0, 0.8, 5.0]])
    found = toned({"planes": 1.0}, COLORS, base, tone)[:, 0].T
    torch.testing.assert_close(found, torch.stack([DARK, BODY, (BODY + LIGHT) / 2, LIGHT]))
    torch.testing.assert_close(toned({"planes": 0.5}, COLORS, base, tone)[:, 0, 0], (BODY + DARK) / 2)


def test_steps_are_flat_with_narrow_ramps_between():
    """Three steps: flat at whole multiples of 2/3 for the first 88 % of each."""
    field = torch.tensor([-0.6, -0.1, 0.0, 0.5, 0.9, 1.2])
    found = stepped(field, 3)
    assert found.tolist() == pytest.approx([-2 / 3, -2 / 3, 0, 0, 2 / 3, 2 / 3])
    line = stepped(torch.linspace(-3, 3, 1001), 3)
    assert (line.diff() >= -1e-6).all() and (line.diff().abs() < 1e-6).float().mean() > 0.8


def test_strokes_are_few_tones_as_strong_as_asked_for():
    torus = Torus(64, 1)
    strokes = brushed(torus, {"strokes": 1.0}, "strokes", (3, 1))
    steps = (strokes * 3 / 2 - (strokes * 3 / 2).round()).abs()
    assert (steps < 1e-4).float().mean() > 0.75
    torch.testing.assert_close(brushed(torus, {"strokes": 0.4}, "strokes", (3, 1)), 0.4 * strokes)
    assert brushed(torus, {"strokes": 0.0}, "strokes", (3, 1)).abs().max() == 0


def test_a_line_is_between_its_least_width_and_1():
    width = line_width(Torus(64, 1), "line", 0.3)
    assert 0.3 <= width.min() < 0.35 and 0.95 < width.max() <= 1
    assert torch.equal(line_width(Torus(64, 1), "line", 1.0), torch.ones(64, 64))


def test_loose_cells_are_as_many_as_the_lattice_has_and_about_as_large():
    cells = loose_cells(Torus(64, 2), {}, "stones", 4, 6, 0.1)
    sizes = torch.bincount(cells.ids.flatten(), minlength=24)
    assert len(sizes) == 24 and sizes.min() > 64 * 64 / 24 / 3 and sizes.max() < 64 * 64 / 24 * 2
    for first, last in ((cells.ids[:, 0], cells.ids[:, -1]), (cells.ids[0], cells.ids[-1])):
        assert (first == last).float().mean() > 0.3  # cells go on around the edge


def test_a_chunk_is_hewn_into_planes_with_ridges_between_them():
    torus = Torus(64, 3)
    sites = torch.tensor([[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]])
    cells = voronoi(sites, torus.u, torus.v)
    facets = hewn(torus, "rock", cells, 4, 2.0, 5, 0.8)
    for number in range(4):
        tones = facets.tone[cells.ids == number].unique()
        assert 2 <= len(tones) <= 5 and tones.abs().max() <= 1.5
    assert facets.ridge.min() >= 0
    beside = (facets.tone != facets.tone.roll(1, -1)) & (cells.ids == cells.ids.roll(1, -1))
    assert beside.any() and facets.ridge[beside].max() < 2 * 2.0 / 64  # two pixels, in widths of a chunk
    slope = facets.height.diff(dim=-1)[cells.ids[:, 1:] == cells.ids[:, :-1]]
    assert slope.abs().max() <= 0.8 * 2.0 / 64 + 1e-5  # all cuts are as steep


def grown(growth, edges=0.5):
    painting = Painting(torch.zeros(64, 64), BODY[:, None, None].expand(3, 64, 64), torch.full((64, 64), 0.9))
    overgrow(Torus(64, 4), {"growth": growth, "edges": edges}, COLORS, painting, 200.0)
    return painting


def test_nothing_grows_below_the_least_growth():
    bare = grown(0.14)
    assert bare.parts == {} and bare.height.abs().max() == 0
    assert torch.equal(bare.color, BODY[:, None, None].expand(3, 64, 64))


def test_leaves_cover_more_the_more_grows_stand_out_and_are_green():
    some, many = (grown(growth).parts["leaves"] for growth in (0.4, 1.0))
    assert 0 < some.mean() < many.mean() < 1 and many.max() <= 1
    painting = grown(1.0)
    leaf = painting.parts["leaves"] > 0.99
    assert painting.height[leaf].min() > 1 and painting.roughness[leaf].max() == pytest.approx(0.7, abs=0.01)
    assert (painting.color[1][leaf] < -0.05).all()
    assert torch.equal(painting.height, grown(1.0).height)
