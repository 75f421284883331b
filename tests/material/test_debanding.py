"""The steps of 8-bit heights, smoothed within half a step."""

import math

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.material.debanding import deband, is_banded
from tilewright.material.normals import decode_normals, normal_map

BOTH, NONE = Axes(True, True), Axes(False, False)


def gentle_hills(size=256):
    turn = 2 * math.pi * torch.arange(size) / size
    return (0.5 + 0.3 * torch.sin(turn)[None, :] * torch.cos(turn)[:, None])[None, None]


def eight_bits(height):
    return (height * 255).round() / 255


def error_in_degrees(height, axes=BOTH):
    found, true = (decode_normals(normal_map(h, 20.0, "scharr", axes, "OpenGL")) for h in (height, gentle_hills()))
    return torch.rad2deg((found - true).norm(dim=1)).mean()


@pytest.mark.parametrize("axes", [BOTH, NONE])
def test_the_normals_come_nearer_to_the_true_ones(axes):
    before, after = (
        error_in_degrees(eight_bits(gentle_hills()), axes),
        error_in_degrees(deband(eight_bits(gentle_hills()), axes), axes),
    )
    assert before > 0.7
    assert after < 0.05


def test_nothing_moves_by_more_than_half_a_step():
    height = eight_bits(torch.rand(2, 1, 60, 80))
    assert (deband(height, BOTH) - height).abs().max() <= 0.5 / 255 + 1e-7


def test_cliffs_and_the_ground_beside_them_stay():
    height = torch.zeros(1, 1, 40, 40)
    height[..., 10:25] = 10 / 255
    assert torch.equal(deband(height, BOTH), height)


def test_only_eight_bit_heights_are_banded():
    assert is_banded(eight_bits(torch.rand(1, 1, 30, 30)))
    assert not is_banded((torch.rand(1, 1, 30, 30) * 65535).round() / 65535)
    assert not is_banded(gentle_hills())


@pytest.mark.parametrize("size", [(40, 50), (3, 20)])
def test_rolling_the_height_rolls_the_result(size):
    height = eight_bits(torch.rand(1, 1, *size))
    torch.testing.assert_close(deband(height.roll((1, 7), (-2, -1)), BOTH), deband(height, BOTH).roll((1, 7), (-2, -1)))
