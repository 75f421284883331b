"""The steps of 8-bit heights, smoothed within half a step."""

import math

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.material.debanding import deband, deband_batch, distinct_values, quantisation_step
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
    assert quantisation_step(eight_bits(torch.rand(1, 1, 30, 30))) == 1 / 255
    assert quantisation_step((torch.rand(1, 1, 30, 30) * 65535).round() / 65535) == 0
    assert quantisation_step(gentle_hills()) == 0


@pytest.mark.parametrize("size", [(40, 50), (3, 20)])
def test_rolling_the_height_rolls_the_result(size):
    height = eight_bits(torch.rand(1, 1, *size))
    torch.testing.assert_close(deband(height.roll((1, 7), (-2, -1)), BOTH), deband(height, BOTH).roll((1, 7), (-2, -1)))


STEPPED = {
    "8 bits": (eight_bits(gentle_hills()), 1 / 255),
    "8 bits shifted into 16": ((gentle_hills() * 255).round() * 256 / 65535, 256 / 65535),
    "8 bits in half floats": (eight_bits(gentle_hills()).half().float(), 1 / 255),
    "8 bits, stretched": (eight_bits(gentle_hills()) * 1.3 - 0.1, 1.3 / 255),
    "8 bits, a tenth": (eight_bits(gentle_hills()) * 0.1, 0.1 / 255),
    "8 bits in metres": (eight_bits(gentle_hills()) * 1034 + 363, 1034 / 255),
    "every second level": ((gentle_hills() * 127).round() * 2 / 254 * 0.9, 0.9 / 127),
    "10 bits": ((gentle_hills() * 1023).round() / 1023, 1 / 1023),
    "12 bits": ((gentle_hills() * 4095).round() / 4095, 1 / 4095),
}


@pytest.mark.parametrize(("height", "step"), STEPPED.values(), ids=STEPPED)
def test_the_step_that_is_there_is_found(height, step):
    assert quantisation_step(height) == pytest.approx(step, rel=1e-4)


@pytest.mark.parametrize("name", ["8 bits", "8 bits shifted into 16", "8 bits in half floats"])
def test_eight_bits_come_near_to_the_true_normals_however_they_are_kept(name):
    smooth, notes = deband_batch(STEPPED[name][0], BOTH)
    assert error_in_degrees(smooth) < 0.06
    assert notes == ["The height has 8 bits; its steps were smoothed by half a step at most."]


WITHOUT_STEPS = {
    "float": gentle_hills(),
    "16 bits": (gentle_hills() * 65535).round() / 65535,
    "little relief in 16 bits": (gentle_hills() * 3000).round() / 65535,
    "one value": torch.full((1, 1, 32, 32), 0.3),
    "a mask": (gentle_hills() > 0.5).float() * 0.7,
    "five random values": torch.rand(5)[torch.randint(0, 5, (1, 1, 32, 32))],
    "8 bits on a curve": eight_bits(gentle_hills()) ** 2.2,
}


@pytest.mark.parametrize("height", WITHOUT_STEPS.values(), ids=WITHOUT_STEPS)
def test_where_there_are_no_even_steps_nothing_moves(height):
    assert quantisation_step(height) == 0
    assert torch.equal(deband_batch(height, BOTH)[0], height)


def test_few_values_in_no_even_steps_are_said():
    _, notes = deband_batch(WITHOUT_STEPS["8 bits on a curve"], BOTH)
    assert len(notes) == 1 and notes[0].endswith("different values, in no even steps: nothing was smoothed.")
    assert deband_batch(WITHOUT_STEPS["float"], BOTH)[1] == []


def test_each_height_of_a_batch_has_its_own_step():
    heights = torch.cat([STEPPED["8 bits"][0], gentle_hills(), STEPPED["10 bits"][0]])
    smooth, notes = deband_batch(heights, BOTH)
    assert torch.equal(smooth[0:1], deband(heights[0:1], BOTH))
    assert torch.equal(smooth[1], heights[1])
    assert torch.equal(smooth[2:], deband(heights[2:], BOTH, quantisation_step(heights[2:])))
    assert len(notes) == 2


def test_distinct_values_are_sorted_and_end_where_there_are_too_many():
    assert distinct_values(torch.tensor([[0.5, 0.1], [0.5, 0.3]])).tolist() == pytest.approx([0.1, 0.3, 0.5])
    assert len(distinct_values(torch.rand(1, 1, 100, 100))) == 0


def test_eight_bits_that_were_shifted_come_out_like_those_that_were_not():
    """Their range is 0.4 % less, and so are their slopes; nothing else differs."""
    shifted, plain = (deband_batch(STEPPED[name][0], BOTH)[0] for name in ("8 bits shifted into 16", "8 bits"))
    found, wanted = (decode_normals(normal_map(one, 20.0, "scharr", BOTH, "OpenGL")) for one in (shifted, plain))
    assert torch.rad2deg((found - wanted).norm(dim=1)).mean() < 0.025
