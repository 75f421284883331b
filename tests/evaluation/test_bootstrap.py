"""Whether 95 % intervals hold what they promise, and what goes wrong with the usual ones."""

import math

import pytest
import torch
from tilewright.evaluation.bootstrap import draw_counts, independent, interval, weighted_mean
from tilewright.evaluation.discrepancy import between, kernel, within

pytestmark = pytest.mark.slow

REPEATS = 500
WIDTHS = torch.tensor([2.0, 8.0], dtype=torch.float64)
COUNT, SHIFT = 12, 2.0


def coverage(bounds, truth):
    return sum(low <= truth <= high for low, high in bounds) / len(bounds)


def scores(seed, prompts, seeds, between_prompts=1.0, within_prompts=1.0):
    generator = torch.Generator().manual_seed(seed)
    level = between_prompts * torch.randn(prompts, 1, generator=generator, dtype=torch.float64)
    return (level + within_prompts * torch.randn(prompts, seeds, generator=generator, dtype=torch.float64)).flatten()


def paired_intervals(prompts, seeds, groups):
    """Of the difference of two cells whose prompts have 0.3 more in the one than in the other."""
    counts, bounds = draw_counts(groups, draws=1000), []
    for repeat in range(REPEATS):
        shared = scores(3 * repeat, prompts, seeds)
        one, other = (shared + scores(3 * repeat + n, prompts, seeds, 0.5, 0.5) for n in (1, 2))
        draws = weighted_mean(one + 0.3, counts) - weighted_mean(other, counts)
        bounds.append(interval(draws, independent(groups)))
    return bounds


def test_intervals_of_paired_scores_cover_as_promised():
    for prompts, seeds in [(6, 2), (12, 3)]:
        groups = torch.arange(prompts).repeat_interleave(seeds)
        assert 0.93 <= coverage(paired_intervals(prompts, seeds, groups), 0.3) <= 0.97


def test_drawing_pictures_as_if_each_were_a_prompt_of_its_own_covers_too_little():
    prompts, seeds = 6, 4
    counts, bounds = draw_counts(torch.arange(prompts * seeds), draws=1000), []
    for repeat in range(REPEATS):
        draws = weighted_mean(scores(repeat, prompts, seeds), counts)
        bounds.append((float(draws.quantile(0.025)), float(draws.quantile(0.975))))
    assert coverage(bounds, 0.0) < 0.85


def discrepancy_draws(repeat, counts, others, count_pairs_with_itself):
    generator = torch.Generator().manual_seed(repeat)
    x = torch.randn(COUNT, 3, generator=generator, dtype=torch.float64) + torch.tensor([SHIFT, 0, 0])
    y = torch.randn(COUNT, 3, generator=generator, dtype=torch.float64)
    grams = kernel(x, x, WIDTHS), kernel(y, y, WIDTHS), kernel(x, y, WIDTHS)
    own = [
        _naive_within(*pair) if count_pairs_with_itself else within(*pair)
        for pair in zip(grams, (counts, others), strict=False)
    ]
    return own[0] + own[1] - 2 * between(grams[2], counts, others)


def _naive_within(gram, counts):
    """As if the drawn list were new points: a point drawn twice makes a pair of distance 0."""
    pairs = torch.einsum("rn,nm,rm->r", counts, gram, counts) - counts.sum(1)
    return pairs / (counts.sum(1) * (counts.sum(1) - 1))


def true_discrepancy():
    near = sum((w / (w + 2)) ** 1.5 for w in WIDTHS.tolist()) / 2
    far = sum((w / (w + 2)) ** 1.5 * math.exp(-(SHIFT**2) / (2 * (w + 2))) for w in WIDTHS.tolist()) / 2
    return 2 * near - 2 * far


def discrepancy_coverage(count_pairs_with_itself):
    counts, others = (draw_counts(torch.arange(COUNT), draws=1000, seed=seed) for seed in (0, 1))
    bounds = [interval(discrepancy_draws(n, counts, others, count_pairs_with_itself), COUNT) for n in range(REPEATS)]
    return coverage(bounds, true_discrepancy())


def test_intervals_of_the_discrepancy_cover_as_promised():
    assert 0.93 <= discrepancy_coverage(count_pairs_with_itself=False) <= 0.97


def test_the_naive_bootstrap_of_the_discrepancy_does_not():
    assert discrepancy_coverage(count_pairs_with_itself=True) < 0.93


def test_the_naive_bootstrap_of_equal_sets_is_far_above_zero():
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 20, 3, generator=generator, dtype=torch.float64)
    counts, others = draw_counts(torch.arange(20)), draw_counts(torch.arange(20), seed=1)
    cross = 2 * between(kernel(x, y, WIDTHS), counts, others)
    sound = within(kernel(x, x, WIDTHS), counts) + within(kernel(y, y, WIDTHS), others) - cross
    naive = _naive_within(kernel(x, x, WIDTHS), counts) + _naive_within(kernel(y, y, WIDTHS), others) - cross
    ones = torch.ones(1, 20, dtype=torch.float64)
    truth = (
        within(kernel(x, x, WIDTHS), ones)
        + within(kernel(y, y, WIDTHS), ones)
        - 2 * between(kernel(x, y, WIDTHS), ones, ones)
    )
    assert abs(sound.mean() - truth) < 0.01
    assert naive.mean() - truth > 0.04


def test_one_prompt_has_its_pictures_drawn_and_one_picture_has_no_interval():
    one_prompt = torch.zeros(5, dtype=torch.long)
    assert independent(one_prompt) == 5
    assert (draw_counts(one_prompt).sum(1) == 5).all()
    low, high = interval(torch.zeros(10), independent(torch.zeros(1, dtype=torch.long)))
    assert low != low and high != high


def test_the_draws_are_the_same_every_time_and_take_whole_prompts():
    groups = torch.arange(4).repeat_interleave(3)
    counts = draw_counts(groups, draws=50)
    assert torch.equal(counts, draw_counts(groups, draws=50))
    assert torch.equal(counts[:, ::3].repeat_interleave(3, 1), counts)
