"""Derivatives against surfaces whose slopes are known on paper."""

import math

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.material.derivatives import METHODS, gradient_in_strips, height_gradient

BOTH, NONE = Axes(True, True), Axes(False, False)
KERNEL_METHODS = [method for method in METHODS if method != "spectral"]


def waves(size, cycles, across=0):
    """A sine of `cycles` along x and `across` along y, (1, 1, size, size), in float64."""
    turn = 2 * math.pi * torch.arange(size, dtype=torch.float64) / size
    return torch.sin(cycles * turn[None, :] + across * turn[:, None])[None, None]


@pytest.mark.parametrize("method", METHODS)
def test_shapes_and_batches(method):
    p, q = height_gradient(torch.rand(2, 1, 5, 9), method, BOTH)
    assert p.shape == q.shape == (2, 1, 5, 9)


@pytest.mark.parametrize("method", KERNEL_METHODS)
@pytest.mark.parametrize("axes", [NONE, Axes(True, False), Axes(False, True)])
def test_unit_gain_on_a_ramp_up_to_the_border(method, axes):
    ramp = torch.arange(12.0, dtype=torch.float64)
    down, right = ramp[:, None].expand(12, 12)[None, None], ramp.expand(12, 12)[None, None]
    p, q = height_gradient((0 if axes.x else 2 * right) + (0 if axes.y else 3 * down), method, axes)
    torch.testing.assert_close(p, torch.full_like(p, 0 if axes.x else 2))
    torch.testing.assert_close(q, torch.full_like(q, 0 if axes.y else 3))


@pytest.mark.parametrize("method", KERNEL_METHODS)
def test_a_parabola_is_exact_at_the_border(method):
    x = torch.arange(9.0, dtype=torch.float64)
    p, q = height_gradient((x**2).expand(1, 1, 9, 9), method, NONE)
    torch.testing.assert_close(p, (2 * x).expand(1, 1, 9, 9))
    assert q.abs().max() == 0


@pytest.mark.parametrize("axes", [BOTH, NONE, Axes(True, False)])
@pytest.mark.parametrize("method", METHODS)
def test_a_constant_has_no_slope_at_all(method, axes):
    p, q = height_gradient(torch.full((1, 1, 7, 10), 0.3), method, axes)
    assert p.abs().max() == q.abs().max() == 0


@pytest.mark.parametrize("method", METHODS)
def test_rolling_the_height_rolls_the_slopes(method):
    height = torch.rand(1, 1, 24, 33)
    rolled = height_gradient(height.roll((5, 7), (-2, -1)), method, BOTH)
    for moved, still in zip(rolled, height_gradient(height, method, BOTH), strict=True):
        torch.testing.assert_close(moved, still.roll((5, 7), (-2, -1)), rtol=0, atol=1e-6)


def test_spectral_is_exact_for_every_wave_below_nyquist():
    for cycles, across in [(1, 0), (3, 5), (15, 15), (-7, 12)]:
        p, q = height_gradient(waves(32, cycles, across), "spectral", BOTH)
        turn = 2 * math.pi * torch.arange(32, dtype=torch.float64) / 32
        cosine = torch.cos(cycles * turn[None, :] + across * turn[:, None]) * 2 * math.pi / 32
        torch.testing.assert_close(p[0, 0], cycles * cosine)
        torch.testing.assert_close(q[0, 0], across * cosine)


def test_spectral_sees_the_mirror_image_where_nothing_wraps():
    x = (torch.arange(40, dtype=torch.float64) + 0.5) / 40
    p, _ = height_gradient(torch.cos(3 * math.pi * x).expand(1, 1, 40, 40), "spectral", NONE)
    torch.testing.assert_close(p[0, 0, 0], -3 * math.pi / 40 * torch.sin(3 * math.pi * x))


@pytest.mark.parametrize("axes", [BOTH, NONE])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rows", [1, 3, 100])
def test_strips_equal_the_whole(method, axes, rows):
    height = torch.rand(1, 1, 11, 8)
    strips = list(gradient_in_strips(height, method, axes, rows))
    p, q = height_gradient(height, method, axes)
    torch.testing.assert_close(torch.cat([strip[1] for strip in strips], -2), p, rtol=0, atol=1e-6)
    torch.testing.assert_close(torch.cat([strip[2] for strip in strips], -2), q, rtol=0, atol=1e-6)


@pytest.mark.parametrize("axes", [BOTH, NONE])
@pytest.mark.parametrize("method", METHODS)
def test_gradcheck(method, axes):
    height = torch.rand(1, 1, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda h: height_gradient(h, method, axes), height)
