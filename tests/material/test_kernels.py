"""Slopes by kernels, and the waves that a kernel makes of waves."""

import math

import pytest
import torch
from tilewright.material.derivatives import KERNELS, METHODS, kernel_gradient, kernel_slope
from tilewright.material.height_from_normal import slope_response
from tilewright.material.validation import Agreement, agreement_line


@pytest.mark.parametrize("name", KERNELS)
def test_a_plane_has_its_slopes_whatever_the_kernel(name):
    kernel = KERNELS[name]
    size = 6 + 2 * kernel.radius
    plane = 3 * torch.arange(size)[None].double() + 2 * torch.arange(size)[:, None].double()
    p, q = kernel_gradient(plane, kernel)
    assert p.shape == q.shape == (6, 6)
    assert torch.allclose(p, torch.full_like(p, 3.0), atol=2e-3) and torch.allclose(
        q, torch.full_like(q, 2.0), atol=2e-3
    )
    assert p.std() < 1e-12


def test_the_central_kernel_is_half_the_difference_of_its_neighbours():
    line = torch.tensor([[0.0, 1.0, 4.0, 9.0]])
    assert torch.equal(kernel_slope(line, KERNELS["central"], -1), torch.tensor([[2.0, 4.0]]))


@pytest.mark.parametrize("method", METHODS)
def test_long_waves_get_their_true_slope(method):
    along = torch.tensor([0.01], dtype=torch.float64)
    assert float(slope_response(along, torch.zeros(1, dtype=torch.float64), method)) == pytest.approx(0.01, rel=1e-3)


def test_the_central_kernel_answers_a_wave_with_its_sine():
    along = torch.tensor([0.5, math.pi / 2])
    assert torch.allclose(slope_response(along, torch.zeros(2), "central"), along.sin())


@pytest.mark.parametrize(
    ("correlation", "words"), [(0.9, "show the same surface"), (-0.9, "one of them is inverted"), (0.1, "different")]
)
def test_agreement_is_told_by_its_correlation(correlation, words):
    line = agreement_line(Agreement(correlation, 1.5))
    assert words in line and "1.5 times as steep" in line
