"""The discrepancy beside its closed form for Gaussians, and the biases that it does not have."""

import math

import pytest
import torch
from tilewright.evaluation.discrepancy import between, kernel, squared_bandwidths, within

pytestmark = pytest.mark.slow

SIZE, WIDTHS = 3, torch.tensor([0.8, 2.0, 9.0], dtype=torch.float64)


def discrepancy(a, b, bandwidths):
    """The unbiased squared discrepancy of (N, D) and (M, D), every point drawn once."""
    ones, others = (torch.ones(1, len(points), dtype=points.dtype) for points in (a, b))
    own = within(kernel(a, a, bandwidths), ones) + within(kernel(b, b, bandwidths), others)
    return float(own - 2 * between(kernel(a, b, bandwidths), ones, others))


def gaussians(count, shift, seed):
    points = torch.randn(count, SIZE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    points[:, 0] += shift
    return points


def closed_form(shift):
    """Of two unit Gaussians: E exp(-d^2 / 2w) with d ~ N(m, 2 I) is (w / (w + 2))^(D/2) exp(-m^2 / (2 (w + 2)))."""
    near = sum((w / (w + 2)) ** (SIZE / 2) for w in WIDTHS.tolist()) / len(WIDTHS)
    far = sum((w / (w + 2)) ** (SIZE / 2) * math.exp(-(shift**2) / (2 * (w + 2))) for w in WIDTHS.tolist())
    return 2 * near - 2 * far / len(WIDTHS)


def repeated(shift, count, repeats=200):
    return torch.tensor(
        [discrepancy(gaussians(count, 0, 2 * n), gaussians(count, shift, 2 * n + 1), WIDTHS) for n in range(repeats)]
    )


@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("count", [5, 20])
def test_its_mean_is_the_closed_form_for_as_few_as_five(shift, count):
    values = repeated(shift, count)
    error = values.std() / len(values) ** 0.5
    assert abs(values.mean() - closed_form(shift)) < 3 * error


def test_the_published_estimator_with_its_diagonal_is_biased_by_more_than_an_effect():
    """CMMD's: the mean over all pairs, a point with itself among them."""
    points = [(gaussians(20, 0, 2 * n), gaussians(20, 0, 2 * n + 1)) for n in range(100)]
    biased = [
        kernel(a, a, WIDTHS).mean() + kernel(b, b, WIDTHS).mean() - 2 * kernel(a, b, WIDTHS).mean() for a, b in points
    ]
    assert torch.stack(biased).mean() > closed_form(0.5)


def test_a_point_drawn_twice_makes_no_pair_with_itself():
    gram = torch.tensor([[1.0, 0.2, 0.4], [0.2, 1.0, 0.6], [0.4, 0.6, 1.0]], dtype=torch.float64)
    counts = torch.tensor([[2.0, 1.0, 0.0], [3.0, 0.0, 0.0]], dtype=torch.float64)
    assert within(gram, counts)[0] == pytest.approx(0.2)
    assert within(gram, counts)[1].isnan()


def test_a_picture_halfway_to_the_renders_counts_as_nearer_however_far_the_way_is():
    reference, base = gaussians(20, 0, 1), gaussians(20, 60, 2)
    bandwidths = squared_bandwidths(reference, base)
    far, half = (
        discrepancy(base, reference, bandwidths),
        discrepancy(base - torch.tensor([30.0, 0, 0]), reference, bandwidths),
    )
    assert half < far - 0.1
