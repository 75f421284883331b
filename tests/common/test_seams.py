"""Seams with answers one can count by hand."""

import pytest
import torch
from tileable_textures import bricks, one_over_f, ramp
from tilewright.common.edge_bands import EdgeBand
from tilewright.common.seams import SeamStatistics, line_steps, moved_seam, seam_statistics, seam_statistics_each


def test_steps_and_bends_of_every_line():
    """A ramp of 24 steps up by 1 and down by 23 at the wrap: bends only beside that line."""
    steps, bends = line_steps(ramp(24), "x")
    assert steps.tolist() == [23] + [1] * 23
    assert bends.tolist() == [24, 12] + [0] * 21 + [12]


def test_a_ramp_is_all_seam():
    seam = seam_statistics(ramp(32), "x")
    assert seam.r == 31
    assert seam.q == 31
    assert seam.verdict == "seam"


def test_a_ramp_has_no_seam_across():
    seam = seam_statistics(ramp(32), "y")
    assert (seam.r, seam.q, seam.r2) == (0, 0, 0)
    assert seam.verdict == "seamless"


def test_r2_against_a_hand_count():
    """Steps +1 and -1 in turn: each is 2 off the mean of its neighbours."""
    image = ((torch.arange(32) % 2) + 0.0).expand(1, 1, 32, 32).clone()
    assert seam_statistics(image, "x").r2 == 1
    image[..., 0] -= 2  # the steps about the wrap are now +1, -3, +3: that is 5 off
    seam = seam_statistics(image, "x")
    assert (seam.r, seam.q, seam.r2) == (3, 3, 2.5)


@pytest.mark.parametrize("axis", ["x", "y"])
def test_seamless_noise_has_no_seam(axis):
    seam = seam_statistics(one_over_f(), axis)
    assert seam.q <= 1.05
    assert seam.r == pytest.approx(1, abs=0.3)
    assert seam.verdict == "seamless"


@pytest.mark.parametrize("axis", ["x", "y"])
def test_cropped_noise_has_one(axis):
    seam = seam_statistics(one_over_f()[..., :200, :200], axis)
    assert seam.q > 1.2
    assert seam.verdict == "seam"


@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_brick_wall_is_judged_by_its_own_joints(axis):
    """Its wrap line is a joint: a strong step, but no stronger than the joints inside."""
    seam = seam_statistics(bricks(), axis)
    assert seam.r > 2
    assert seam.r2 > 1.5
    assert seam.q <= 1.05
    assert seam.verdict == "seamless"


def test_a_thin_line_shows_although_it_steps_no_further_than_others():
    """A dark line one pixel wide on the edge of noise: no step is the strongest, but none bends as much."""
    image = one_over_f()
    image[..., 0] -= 0.06
    seam = seam_statistics(image, "x")
    assert seam.q2 > seam.q
    assert seam.verdict == "seam"


def test_a_seam_that_was_rolled_inside_has_moved():
    assert moved_seam(ramp(32), ramp(32).roll(16, -1), "x") == 31


def test_the_verdict_is_that_of_the_line_or_of_the_band_whichever_is_worse():
    assert SeamStatistics(1, 1.0, 1, 1).verdict == "seamless"
    assert SeamStatistics(1, 1.1, 1, 1).verdict == "doubtful"
    assert SeamStatistics(1, 1.1, 1, 1, EdgeBand(2.0, 16, "softer")).verdict == "seam"
    assert SeamStatistics(1, 1.0, 1, 1, EdgeBand(1.0, 16, "softer")).verdict == "doubtful"


@pytest.mark.parametrize("value", [0.5, float("nan"), float("inf")])
def test_nothing_is_said_of_a_flat_image_and_of_values_that_are_none(value):
    image = torch.full((1, 3, 32, 32), 0.5)
    image[..., 16, 16] = value
    seam = seam_statistics(image, "x")
    assert seam.verdict == "nothing to measure"
    assert seam.tiles == (value == 0.5)


def test_a_tall_image_is_measured_in_parts():
    image = torch.rand(1, 1, 600, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    steps = (image - image.roll(1, -1)).abs().mean((0, 1, 2))
    torch.testing.assert_close(line_steps(image, "x")[0], steps)


@pytest.mark.parametrize("axis", ["x", "y"])
def test_seams_of_many_images_are_those_of_each(axis):
    images = torch.cat([bricks(), one_over_f(), one_over_f().roll(3, -1).flip(-2)])[..., :96, :128]
    images = torch.cat([images, torch.full_like(images[:1], 0.5)])
    for image, seam in zip(images.split(1), seam_statistics_each(images, axis), strict=True):
        alone = seam_statistics(image, axis)
        assert seam.figures == alone.figures and seam.verdict == alone.verdict
        assert (seam.band.kind, seam.spread) == (alone.band.kind, alone.spread)
