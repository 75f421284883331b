"""Attention that leans towards a sibling's same place, against sums written out."""

import math

import pytest
import torch
from tilewright.sets.placed_rows import REACH, placed, without_places

HEADS, CHANNELS, SIZE = 2, 8, (4, 6)
TOKENS = SIZE[0] * SIZE[1]


def tokens(rows, seed=0):
    return torch.randn(
        rows, TOKENS, HEADS * CHANNELS, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )


def attention(q, k, v, heads):
    q, k, v = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in (q, k, v))
    return torch.nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


def kernel():
    """(N, N) logits by which a token sees a sibling's, written out."""
    places = [(y, x) for y in range(SIZE[0]) for x in range(SIZE[1])]
    logits = torch.zeros(TOKENS, TOKENS, dtype=torch.float64)
    for axis, side in enumerate(SIZE):
        kappa = (side / (2 * math.pi * REACH)) ** 2
        for one, here in enumerate(places):
            for other, there in enumerate(places):
                logits[one, other] += kappa * (math.cos(2 * math.pi * (here[axis] - there[axis]) / side) - 1)
    return logits - logits.exp().mean(1, keepdim=True).log()


def test_logits_of_siblings_get_the_kernel_and_the_own_ones_nothing():
    q, k, v = tokens(3, 1), tokens(3, 2), tokens(3, 3)
    found = without_places(attention(*placed(q, k, v, HEADS, SIZE, 3), HEADS), HEADS)
    heads = [part.unflatten(-1, (HEADS, CHANNELS)).transpose(1, 2) for part in (q, k, v)]
    for row in range(3):
        logits = torch.cat(
            [heads[0][row] @ heads[1][other].mT / CHANNELS**0.5 + kernel() * (other != row) for other in range(3)], -1
        )
        values = torch.cat([heads[2][other] for other in range(3)], 1)
        expected = (logits.softmax(-1) @ values).transpose(0, 1).flatten(1)
        assert torch.allclose(found[row], expected, atol=1e-9)


def test_the_kernel_weighs_one_in_the_mean_and_most_at_the_same_place():
    weights = kernel().exp()
    assert torch.allclose(weights.mean(1), torch.ones(TOKENS, dtype=torch.float64))
    assert (weights.argmax(1) == torch.arange(TOKENS)).all()


def test_materials_and_windows_of_a_batch_keep_to_themselves():
    """Rows are (material, map, window): what a row sees does not change with the rest of the batch."""
    q, k, v = tokens(8, 1), tokens(8, 2), tokens(8, 3)
    found = without_places(attention(*placed(q, k, v, HEADS, SIZE, 2, windows=2), HEADS), HEADS)
    for rows in ([0, 2], [1, 3], [4, 6], [5, 7]):
        alone = without_places(attention(*placed(q[rows], k[rows], v[rows], HEADS, SIZE, 2), HEADS), HEADS)
        assert torch.allclose(found[rows], alone, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_lower_precision_stays_near(dtype):
    exact, low = ([tokens(2, seed).to(kind) for seed in (1, 2, 3)] for kind in (torch.float64, dtype))
    exact, low = (without_places(attention(*placed(*one, HEADS, SIZE, 2), HEADS), HEADS) for one in (exact, low))
    assert (low.double() - exact).abs().max() < 0.03
