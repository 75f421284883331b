"""Curvature of balls, cylinders, saddles and planes."""

import math

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.material.curvature import curvature_range, mean_curvature
from tilewright.nodes.material import Curvature

BOTH, NONE = Axes(True, True), Axes(False, False)
AXIS = torch.arange(97, dtype=torch.float64) - 48
SQUARED = AXIS[None, :] ** 2 + AXIS[:, None] ** 2


@pytest.mark.parametrize("radius", [80.0, 500.0])
@pytest.mark.parametrize("sign", [1, -1], ids=["ball", "bowl"])
def test_a_sphere_bends_by_one_over_its_radius_everywhere(radius, sign):
    sphere = sign * torch.sqrt((radius**2 - SQUARED).clamp(min=1))
    found = mean_curvature(sphere[None, None], 1.0, NONE)[0, 0][SQUARED < 40**2]
    assert (found * radius + sign).abs().max() < 1e-4


@pytest.mark.parametrize("radius", [80.0, 500.0, 5000.0, 50000.0])
def test_a_sphere_in_float32_is_as_exact_as_the_rounding_of_its_height(radius):
    """A height of 0..1 in float32 is rounded by 3e-8 at most; the second derivatives of that are what is left."""
    cap = torch.sqrt(radius**2 - SQUARED.clamp(max=28**2))
    rise = float(cap.max() - cap.min())
    height = ((cap - cap.min()) / rise).float()[None, None]
    found = mean_curvature(height, rise, NONE)[0, 0][SQUARED < 22**2].double()
    assert (found * radius + 1).abs().max() < 1e-4
    assert (found + 1 / radius).abs().max() < 2e-7 * rise + 1e-4 / radius / 10


@pytest.mark.parametrize("radius_cm", [400.0, 10000.0, 1000000.0])
def test_the_node_finds_the_radius_of_a_large_sphere_in_float32(radius_cm):
    """At 1K single heights are too coarse for 1e-4; the smoothing averages them, and float64 keeps what it gains."""
    x = (torch.arange(1024, dtype=torch.float64) + 0.5) / 1024 * 100 - 50
    squared = (x[None, :] ** 2 + x[:, None] ** 2).clamp(max=50**2)
    cap = torch.sqrt(radius_cm**2 - squared)
    height_cm = float(cap.max() - cap.min())
    height = ((cap - cap.min()) / height_cm).float()[None]
    curvature, *_ = Curvature.execute(height, height_cm, 100.0, "none", smooth_cm=2.0, full_radius_cm=radius_cm / 2)
    middle = curvature[0, 300:-300, 300:-300, 0].double()
    assert ((middle - 0.5) * 4 - 1).abs().max() < 1e-4


def test_a_cylinder_bends_half_as_much():
    cylinder = torch.sqrt(100.0**2 - AXIS**2).expand(1, 1, 20, 97)
    found = mean_curvature(cylinder, 1.0, NONE)[0, 0, 10, 10:-10]
    torch.testing.assert_close(found, torch.full_like(found, -1 / 200), rtol=1e-4, atol=0)


def test_planes_and_saddles_have_none():
    x, y = AXIS[None, :].expand(97, 97), AXIS[:, None].expand(97, 97)
    assert mean_curvature((0.3 * x - 2 * y)[None, None], 1.0, NONE).abs().max() < 1e-12
    assert abs(mean_curvature((x * x - y * y)[None, None] / 100, 1.0, NONE)[0, 0, 48, 48]) < 1e-12


def test_the_mixed_term_is_there():
    """A saddle turned by 45 degrees on a slope, against the formula by hand: h = xy/100 at (10, 20)."""
    x, y = AXIS[None, :].expand(97, 97), AXIS[:, None].expand(97, 97)
    p, q, s = 20 / 100, 10 / 100, 1 / 100
    expected = -2 * p * q * s / (2 * (1 + p * p + q * q) ** 1.5)
    found = mean_curvature((x * y / 100)[None, None], 1.0, NONE)[0, 0, 48 + 20, 48 + 10]
    assert float(found) == pytest.approx(expected, rel=1e-9)


def test_rolling_the_height_rolls_the_curvature():
    height = torch.rand(1, 1, 24, 31)
    moved = mean_curvature(height.roll((5, 8), (-2, -1)), 1.0, BOTH)
    torch.testing.assert_close(moved, mean_curvature(height, 1.0, BOTH).roll((5, 8), (-2, -1)), rtol=0, atol=1e-6)


@pytest.mark.parametrize("axes", [BOTH, NONE])
def test_gradcheck(axes):
    height = torch.rand(1, 1, 5, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda h: mean_curvature(h, 1.0, axes), height)


def test_the_automatic_range_leaves_out_one_pixel_in_200():
    assert curvature_range(torch.linspace(-1, 0, 1000)) == pytest.approx(0.995, abs=0.002)


def test_the_node_shows_ridges_bright_and_grooves_dark_in_cm():
    x = torch.arange(200) / 200
    waves = (0.5 + 0.5 * torch.cos(2 * math.pi * 4 * x)).expand(1, 50, 200)
    curvature, convexity, concavity, cavity, report, *_ = Curvature.execute(waves, 2.0, 100.0, smooth_cm=0.0)
    ridge, groove = 0, 25
    assert curvature[0, 10, ridge, 0] == pytest.approx(1, abs=0.01)
    assert curvature[0, 10, groove, 0] == pytest.approx(0, abs=0.01)
    assert (convexity[0, 10, groove, 0], concavity[0, 10, ridge, 0]) == (0, 0)
    torch.testing.assert_close(cavity, 1 - concavity)
    sharpest = 2 / (1.0 * (2 * math.pi * 4 / 100) ** 2)  # mean curvature is half the wave's own
    assert f"{sharpest:.3g} cm" in report


def test_a_flat_height_has_no_curvature():
    curvature, _, _, cavity, report, *_ = Curvature.execute(torch.full((1, 16, 16), 0.4))
    assert torch.equal(curvature, torch.full((1, 16, 16, 3), 0.5))
    assert torch.equal(cavity, torch.ones(1, 16, 16, 3))
    assert "flat" in report
