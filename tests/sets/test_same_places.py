"""What siblings tell a token of its place, against sums written out."""

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.sets.same_places import told_by_siblings

HEADS, CHANNELS, TOKENS = 2, 8, 15


def tokens(rows, seed=0):
    drawn = torch.Generator().manual_seed(seed)
    return torch.randn(rows, TOKENS, HEADS * CHANNELS, dtype=torch.float64, generator=drawn)


def some(rows):
    return [tokens(rows, seed) for seed in (1, 2, 3)]


def test_a_token_takes_the_differences_to_its_siblings_at_its_place():
    q, k, v = some(3)
    found = told_by_siblings(q, k, v, HEADS, 3)
    for row in range(3):
        for token in range(TOKENS):
            for head in range(HEADS):
                part = slice(head * CHANNELS, (head + 1) * CHANNELS)
                logits = torch.stack([q[row, token, part] @ k[other, token, part] for other in range(3)])
                weights = (logits / CHANNELS**0.5).softmax(0)
                expected = sum(weights[other] * (v[other, token, part] - v[row, token, part]) for other in range(3))
                assert torch.allclose(found[row, token, part], expected, atol=1e-6)


def test_rows_that_agree_change_nothing():
    q, k, v = (part.repeat(4, 1, 1) for part in some(1))
    assert told_by_siblings(q, k, v, HEADS, 4).abs().max() < 1e-6


def test_rows_rolled_together_are_told_the_same_and_a_row_rolled_alone_something_else():
    parts = some(2)
    found = told_by_siblings(*parts, HEADS, 2)
    together = told_by_siblings(*(part.roll(4, 1) for part in parts), HEADS, 2)
    assert torch.allclose(together, found.roll(4, 1))
    alone = told_by_siblings(*(torch.stack([part[0], part[1].roll(4, 0)]) for part in parts), HEADS, 2)
    assert (alone[0] - found[0]).abs().max() > 0.1


def test_materials_and_windows_of_a_batch_keep_to_themselves():
    """Rows are (material, map, window): what a row is told does not change with the rest of the batch."""
    parts = some(8)
    found = told_by_siblings(*parts, HEADS, 2, windows=2)
    for rows in ([0, 2], [1, 3], [4, 6], [5, 7]):
        alone = told_by_siblings(*(part[rows] for part in parts), HEADS, 2)
        assert torch.allclose(found[rows], alone, atol=1e-9)


def test_a_batch_that_is_no_whole_number_of_materials_is_refused():
    with pytest.raises(InputError, match="has 5 images, but a material of this model has 2 maps"):
        told_by_siblings(*some(5), HEADS, 2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_lower_precision_stays_near(dtype):
    exact, low = ([part.to(kind) for part in some(2)] for kind in (torch.float64, dtype))
    exact, low = (told_by_siblings(*one, HEADS, 2) for one in (exact, low))
    assert low.dtype == dtype and (low.double() - exact).abs().max() < 0.03


def test_products_beyond_half_precision_choose_the_sibling_that_they_point_at():
    q, k, v = (part.half() for part in some(2))
    q[:], k[0], k[1] = 200.0, -200.0, 200.0  # products of 320,000
    found = told_by_siblings(q, k, v, HEADS, 2)
    torch.testing.assert_close(found[0], v[1] - v[0])
    assert found[1].abs().max() == 0
