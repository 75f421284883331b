"""The shapes that elements are made of, at places where they are known."""

import math

import pytest
import torch
from tilewright.dataset.procedural.color import lighter, over
from tilewright.dataset.procedural.profiles import (
    Petal,
    coverage,
    line_coverage,
    petal_distance,
    rounded,
    rounded_box,
    smoothstep,
)


def at(*values):
    return torch.tensor(values)


def test_a_rounded_box():
    """8 x 6 with corners of radius 1: the middle is 3 deep, a side 0, a corner's arc 1 from the arc's middle."""
    x, y = at(0.0, 4.0, 0.0, 3 + math.sqrt(0.5), 6.0, 4.0), at(0.0, 0.0, -3.0, 2 + math.sqrt(0.5), 0.0, 3.0)
    distance = rounded_box(x, y, at(4.0), at(3.0), at(1.0))
    assert distance.tolist() == pytest.approx([3, 0, 0, 0, -2, 1 - math.sqrt(2)], abs=1e-6)


def test_a_pixel_is_covered_by_as_much_of_it_as_lies_inside():
    assert coverage(at(-1.0, -0.25, 0.0, 0.25, 1.0), 1.0).tolist() == [0, 0.25, 0.5, 0.75, 1]


def test_a_line_covers_its_own_width_however_thin_it_is_and_wherever_it_lies():
    for width in (0.3, 1.0, 2.7):
        for place in (0.0, 0.21, 0.5):
            covered = line_coverage(torch.arange(-8.0, 9.0) - place, width / 2, 1.0)
            assert covered.sum() == pytest.approx(width, abs=1e-5) and covered.max() <= 1


def test_an_edge_is_rounded_as_a_quarter_circle():
    found = rounded(at(-1.0, 0.0, 1.0, 2.0, 5.0), 2.0)
    assert found.tolist() == pytest.approx([0, 0, math.sqrt(0.75), 1, 1])


def test_a_smooth_step_is_flat_at_its_ends_and_half_in_its_middle():
    assert smoothstep(at(1.0, 2.0, 2.5, 3.0, 4.0, 5.0), 2.0, 4.0).tolist() == pytest.approx([0, 0, 0.15625, 0.5, 1, 1])
    assert smoothstep(at(0.0), -1.0, 1.0) == 0.5


@pytest.mark.parametrize("form", ["pointed", "round", "notched"])
def test_a_petal_is_inside_on_its_axis_and_outside_beyond_its_ends(form):
    petal = Petal(1.0, 5.0, 0.8, form)
    axis = petal_distance(at(1.5, 2.5, 3.5, 4.0), torch.zeros(4), petal)
    assert (axis > 0).all() and axis.max() <= 0.8
    assert petal_distance(at(0.0, 0.4), at(0.0, 0.8), petal).tolist() == pytest.approx([-1, -1])
    assert petal_distance(at(6.0), at(0.0), petal) < -0.9


def test_petals_have_their_forms():
    """A pointed one is widest in the middle, a round one further out, and a notched one ends before its tip."""
    x, aside = torch.linspace(0.02, 0.98, 49), torch.full((49,), 1e-3)
    widest = {
        form: float(x[petal_distance(x, aside, Petal(0.0, 1.0, 0.1, form)).argmax()]) for form in ("pointed", "round")
    }
    assert widest["pointed"] == pytest.approx(0.5, abs=0.03) and widest["round"] > 0.6
    tip = at(0.95), at(0.0)
    assert (
        petal_distance(*tip, Petal(0.0, 1.0, 0.1, "notched")) < 0 < petal_distance(*tip, Petal(0.0, 1.0, 0.1, "round"))
    )


def test_a_colour_is_laid_over_by_its_amount():
    below = torch.full((3, 1, 4), 0.2)
    found = over(below, at(1.0, 0.6, 0.2), at(-1.0, 0.0, 0.5, 2.0)[None])
    torch.testing.assert_close(found[0, 0], at(0.2, 0.2, 0.6, 1.0))
    torch.testing.assert_close(found[1, 0], at(0.2, 0.2, 0.4, 0.6))
    torch.testing.assert_close(found[2, 0], torch.full((4,), 0.2))
    assert torch.equal(over(below, torch.ones(3, 1, 4), torch.ones(1, 4)), torch.ones(3, 1, 4))


def test_a_lighter_colour_gains_chroma_as_the_root_of_its_lightness():
    color = at(0.4, 0.1, -0.05)[:, None, None].expand(3, 1, 3)
    found = lighter(color, at(0.0, 0.24, -0.4)[None])[:, 0]
    torch.testing.assert_close(found[:, 0], color[:, 0, 0])
    torch.testing.assert_close(found[:, 1], at(0.64, 0.1 * math.sqrt(1.6), -0.05 * math.sqrt(1.6)))
    torch.testing.assert_close(found[:, 2], at(0.04, 0.1 * math.sqrt(0.1), -0.05 * math.sqrt(0.1)))  # never black
