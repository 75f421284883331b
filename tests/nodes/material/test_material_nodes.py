"""The nodes as ComfyUI calls them, and what they say to bad input."""

import pytest
import torch
from tilewright.common.axes import AXES_OPTIONS, Axes
from tilewright.material.derivatives import METHODS
from tilewright.material.filters import gaussian_blur
from tilewright.nodes.material import HeightFromImage, HeightToNormal


@pytest.fixture(autouse=True)
def inference_mode():
    with torch.inference_mode():
        yield


def test_height_from_image_gives_a_grey_image_of_the_full_range():
    height = HeightFromImage.execute(torch.rand(2, 48, 64, 3))[0]
    assert height.shape == (2, 48, 64, 3)
    assert torch.equal(height[..., 0], height[..., 2])
    assert (height.min(), height.max()) == (0, 1)


def test_invert_turns_the_height_over():
    image = torch.rand(1, 32, 32, 3)
    up = HeightFromImage.execute(image)[0]
    down = HeightFromImage.execute(image, invert=True)[0]
    torch.testing.assert_close(up, 1 - down, rtol=0, atol=1e-6)


def test_levels_out_of_order_are_refused_before_running():
    assert "black below white" in HeightFromImage.validate_inputs(black=0.8, white=0.2)
    assert HeightFromImage.validate_inputs(black=None, white=0.2) is True


@pytest.mark.parametrize("shape", [(1, 20, 30, 3), (1, 20, 30, 1), (1, 20, 30)])
def test_heights_come_as_rgb_as_one_channel_and_as_masks(shape):
    normal, report, *_ = HeightToNormal.execute(torch.full(shape, 0.5))
    assert torch.equal(normal, torch.tensor([0.5, 0.5, 1.0]).expand(1, 20, 30, 3))
    assert "colour" not in report


@pytest.mark.parametrize("axes", AXES_OPTIONS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", [0.0, 128 / 255, 0.7], ids=["black", "8 bits", "float"])
def test_a_constant_height_is_exactly_up_to_the_border(level, method, axes):
    """Through everything that the node can do to a height before."""
    flat = torch.full((1, 9, 14), level)
    for smooth_cm in (0.0, 30.0):
        normal, *_ = HeightToNormal.execute(flat, "DirectX", method, axes, 900.0, strength=-7.0, smooth_cm=smooth_cm)
        assert torch.equal(normal, torch.tensor([0.5, 0.5, 1.0]).expand(1, 9, 14, 3))


@pytest.mark.parametrize("method", METHODS)
def test_rolling_the_height_rolls_the_normals_whatever_is_done_to_it(method):
    smooth = gaussian_blur(torch.rand(1, 1, 40, 56), 2.0, Axes(True, True))[:, 0]
    for height in (smooth, (smooth * 255).round() / 255):
        still = HeightToNormal.execute(height, method=method, height_cm=2.0, smooth_cm=4.0)[0]
        moved = HeightToNormal.execute(height.roll((9, 31), (-2, -1)), method=method, height_cm=2.0, smooth_cm=4.0)[0]
        torch.testing.assert_close(moved, still.roll((9, 31), (-3, -2)), rtol=0, atol=1e-6)


def test_colour_as_height_is_taken_by_luminance_and_said():
    image = torch.rand(1, 16, 16, 3)
    grey = (image * torch.tensor([0.2126, 0.7152, 0.0722])).sum(-1)
    from_color, report, *_ = HeightToNormal.execute(image)
    from_grey, *_ = HeightToNormal.execute(grey)
    torch.testing.assert_close(from_color, from_grey, rtol=0, atol=1e-5)
    assert "luminance" in report


def test_strength_multiplies_the_slopes():
    height = torch.rand(1, 16, 16)
    twice_as_high = HeightToNormal.execute(height, height_cm=10.0)[0]
    twice_as_strong = HeightToNormal.execute(height, height_cm=5.0, strength=2.0)[0]
    torch.testing.assert_close(twice_as_high, twice_as_strong)


def test_invert_is_the_negative_strength():
    height = torch.rand(1, 16, 16)
    assert torch.equal(HeightToNormal.execute(height, invert=True)[0], HeightToNormal.execute(height, strength=-1.0)[0])


def test_smoothing_is_in_cm_whatever_the_resolution():
    turn = 2 * torch.pi * 8 * torch.arange(512) / 512
    height = (0.5 + 0.4 * torch.sin(turn)).expand(1, 512, 512)
    large = HeightToNormal.execute(height, method="eighth_order", smooth_cm=5.0)[0]
    small = HeightToNormal.execute(height[:, ::2, ::2], method="eighth_order", smooth_cm=5.0)[0]
    rough = HeightToNormal.execute(height, method="eighth_order")[0]
    torch.testing.assert_close(large[:, ::2, ::2], small, rtol=0, atol=1e-4)
    assert large[..., 0].std() < 0.8 * rough[..., 0].std()


def test_eight_bit_heights_are_debanded_and_it_is_said():
    ramp = ((torch.arange(64) / 255 / 6).expand(1, 64, 64) * 255).round() / 255
    smooth, report, *_ = HeightToNormal.execute(ramp, axes="none")
    stairs, silent, *_ = HeightToNormal.execute(ramp, axes="none", deband=False)
    assert smooth[:, 24:40, 24:40, 0].std() < 0.2 * stairs[:, 24:40, 24:40, 0].std()
    assert "8 bits" in report
    assert "8 bits" not in silent
