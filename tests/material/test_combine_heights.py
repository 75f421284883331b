"""Two heights as one: known answers by each method, in cm."""

import math

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.material.combine_heights import BLEND, METHODS, combine_heights
from tilewright.nodes.material import CombineHeights

each_method = pytest.mark.parametrize("method", METHODS)


def line(*values):
    """(1, 1, 1, N) of the given heights."""
    return torch.tensor(values)[None, None, None]


def rendered(height):
    """(H, W) as the (1, H, W, 3) IMAGE of a height."""
    return height.expand(1, 3, *height.shape).movedim(1, -1)


def surface(base, detail, mask, method, transition=0.0):
    """The combined surface in cm above its lowest point, and the share of the detail."""
    combined = combine_heights(base, detail, mask, method, transition)
    return (combined.height * combined.height_cm)[0, 0, 0].tolist(), combined.share[0, 0, 0].tolist()


@pytest.mark.parametrize(
    ("method", "expected", "share"),
    [
        ("add", [0, 2, 2, 4], [1, 1, 1, 1]),  # 2 4 4 6
        ("subtract", [0, 4, 0, 0], [1, 1, 1, 1]),  # -2 2 -2 -2, from its lowest
        ("maximum", [0, 1, 1, 2], [1, 0, 1, 1]),  # 2 3 3 4
        ("minimum", [0, 1, 1, 2], [0, 1, 0, 0]),  # 0 1 1 2
    ],
)
def test_each_method_by_hand(method, expected, share):
    base, detail = line(0.0, 3.0, 1.0, 2.0), line(2.0, 1.0, 3.0, 4.0)
    found, shown = surface(base, detail, None, method)
    assert shown == share
    assert found == pytest.approx(expected)


def test_sum_of_two_waves_keeps_both_amplitudes():
    """3 cm of 2 cycles and 1 cm of 16: the sum of both, whose range height_cm tells."""
    x = torch.arange(256) / 256
    low, high = (0.5 + 0.5 * torch.sin(2 * math.pi * cycles * x).expand(8, 256) for cycles in (2, 16))
    height, height_cm, *_ = CombineHeights.execute(rendered(low), rendered(high), "add", 3.0, 1.0).args
    expected = 3.0 * low + 1.0 * high
    assert height_cm == pytest.approx(float(expected.max() - expected.min()), rel=1e-6)
    torch.testing.assert_close(height[0, ..., 0] * height_cm, expected - expected.min(), rtol=0, atol=1e-6)


def test_a_transition_goes_straight_from_one_to_the_other():
    """2 cm wide: 1 cm below, half below, level, half above, 1 cm above."""
    base, detail = line(5.0, 5.0, 5.0, 5.0, 5.0), line(4.0, 4.5, 5.0, 5.5, 6.0)
    assert surface(base, detail, None, "maximum", 2.0)[1] == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert surface(base, detail, None, BLEND, 2.0)[1] == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert surface(base, detail, None, "minimum", 2.0)[1] == pytest.approx([1, 0.75, 0.5, 0.25, 0])


@each_method
def test_a_black_mask_leaves_the_base_and_a_white_one_gives_the_method(method):
    base, detail = torch.rand(2, 1, 9, 9, generator=torch.Generator().manual_seed(0)) * 4, torch.rand(2, 1, 9, 9)
    nothing = combine_heights(base, detail, torch.zeros_like(base), method, 0.3)
    torch.testing.assert_close(nothing.height * nothing.height_cm, base - base.min(), rtol=0, atol=1e-6)
    everything = combine_heights(base, detail, torch.ones_like(base), method, 0.3)
    if method == BLEND:
        torch.testing.assert_close(everything.height * everything.height_cm, detail - detail.min(), atol=1e-6, rtol=0)
    else:
        assert torch.equal(everything.height, combine_heights(base, detail, None, method, 0.3).height)


@pytest.mark.parametrize("transition", [0.0, 0.05])
def test_a_brighter_mask_lets_the_highest_of_the_detail_through_first(transition):
    """A ramp over flat ground: at a mask of m the upper part m of it shows."""
    ramp, ground = line(*[step / 100 for step in range(101)]), line(*[0.0] * 101)
    for grey in (0.25, 0.5, 0.75):
        _, share = surface(ground, ramp, torch.full_like(ramp, grey), BLEND, transition)
        assert share == sorted(share)
        assert sum(share) / 101 == pytest.approx(grey, abs=0.03)


def test_an_offset_fills_the_joints_to_that_level():
    """Sand, flat, 1.2 cm up: the wall's joints at 0 cm are filled, its bricks at 2 cm stay."""
    wall = (torch.arange(64) % 16 > 3).float().expand(64, 64)
    args = CombineHeights.execute(
        rendered(wall), rendered(torch.zeros(64, 64)), "maximum", 2.0, 1.0, 0.0, offset_cm=1.2
    ).args
    height, height_cm, mask, report, _ = args
    assert height_cm == pytest.approx(0.8)
    torch.testing.assert_close(mask[0], 1 - wall)
    torch.testing.assert_close(height[0, ..., 0], wall)
    assert "25% of it shows the detail" in report


@each_method
def test_rolling_both_rolls_the_result(method):
    base, detail, mask = torch.rand(3, 1, 1, 24, 40, generator=torch.Generator().manual_seed(1))
    there = combine_heights(base, detail, mask, method, 0.2).height.roll((5, 11), (-2, -1))
    rolled = [image.roll((5, 11), (-2, -1)) for image in (base, detail, mask)]
    torch.testing.assert_close(combine_heights(*rolled, method, 0.2).height, there, rtol=0, atol=1e-6)


def test_one_range_for_the_whole_batch():
    base = torch.stack([torch.linspace(0, 1, 16), torch.linspace(0, 3, 16)])[:, None, None]
    combined = combine_heights(base, torch.zeros_like(base), None, "add")
    assert combined.height_cm == 3.0
    torch.testing.assert_close(combined.height.amax((1, 2, 3)), torch.tensor([1 / 3, 1]))


def test_two_flat_heights_are_flat():
    flat = torch.zeros(8, 8)
    height, height_cm, *_ = CombineHeights.execute(rendered(flat), rendered(flat), "add").args
    assert height_cm == 0 and torch.equal(height, torch.zeros(1, 8, 8, 3))


def test_other_sizes_and_broken_numbers_are_named():
    with pytest.raises(InputError, match="base 8 x 8 .*detail 9 x 9"):
        CombineHeights.execute(rendered(torch.zeros(8, 8)), rendered(torch.zeros(9, 9)), "add")
    with pytest.raises(InputError, match="The detail has 64 of 64 pixels that are not numbers"):
        CombineHeights.execute(rendered(torch.zeros(8, 8)), rendered(torch.full((8, 8), torch.nan)), "add")
