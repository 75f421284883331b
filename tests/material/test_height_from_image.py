"""Heights out of pictures: light goes, shapes stay, and everything wraps."""

import math

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.material.filters import gaussian_blur
from tilewright.material.height_from_image import (
    DetailGains,
    choose_channel,
    remove_light,
    set_levels,
    stretch,
    weigh_details,
)

BOTH, NONE = Axes(True, True), Axes(False, False)
X = torch.arange(128) / 128


def wave(cycles):
    """(1, 1, 128, 128) with `cycles` bright stripes."""
    return (0.5 + 0.1 * torch.sin(2 * math.pi * cycles * X)).expand(1, 1, 128, 128)


def test_luminance_and_channels():
    pixel = torch.tensor([0.2, 0.4, 0.6, 0.8])[None, :, None, None]
    assert choose_channel(pixel, "luminance").item() == pytest.approx(0.2126 * 0.2 + 0.7152 * 0.4 + 0.0722 * 0.6)
    found = [choose_channel(pixel, source).item() for source in ("red", "green", "blue", "alpha")]
    assert found == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert choose_channel(pixel[:, :1], "luminance").item() == pytest.approx(0.2)


def test_gaussian_blur_damps_a_wave_by_the_gaussian_of_its_frequency():
    blurred = gaussian_blur(wave(4) - 0.5, 3.0, BOTH)
    gain = math.exp(-0.5 * (3.0 * 2 * math.pi * 4 / 128) ** 2)
    torch.testing.assert_close(blurred, gain * (wave(4) - 0.5), rtol=0, atol=1e-7)


@pytest.mark.parametrize("axes", [BOTH, NONE])
def test_gaussian_blur_keeps_the_mean(axes):
    image = torch.rand(1, 1, 30, 41)
    torch.testing.assert_close(gaussian_blur(image, 6.0, axes).mean(), image.mean())


def test_light_that_multiplies_the_picture_is_removed():
    texture = wave(16)
    light = 0.6 + 0.3 * torch.cos(2 * math.pi * X)[:, None]
    flattened = remove_light(texture * light, 1.0, 0.05, BOTH)
    flattened = flattened * texture.mean() / flattened.mean()
    assert (texture * light - texture).abs().max() > 0.2
    assert (flattened - texture).abs().max() < 0.03


def test_gains_of_one_change_nothing():
    image = torch.rand(2, 1, 64, 64)
    torch.testing.assert_close(weigh_details(image, DetailGains(), BOTH), image, rtol=0, atol=1e-6)


def test_each_gain_acts_on_its_own_size_of_shapes():
    """At 1000 px width: 250 cycles are fine (4 px), 60 medium (17 px), 2 large (500 px)."""
    x = torch.arange(1000) / 1000
    fine, medium, large = (0.1 * torch.sin(2 * math.pi * cycles * x).expand(1, 1, 8, 1000) for cycles in (250, 20, 2))
    for shape, gains in [(fine, (0, 1, 1)), (medium, (1, 0, 1)), (large, (1, 1, 0))]:
        kept = weigh_details(shape, DetailGains(*gains), BOTH)
        assert kept.std() < 0.2 * shape.std()
    assert weigh_details(fine, DetailGains(1, 0, 0), BOTH).std() > 0.9 * fine.std()


def test_stretch_reaches_both_ends_and_clips_what_it_is_told_to():
    ramp = torch.linspace(0.2, 0.6, 101)[None, None, None]
    torch.testing.assert_close(stretch(ramp, 0.0)[0, 0, 0], torch.linspace(0, 1, 101))
    clipped = stretch(ramp, 0.1)[0, 0, 0]
    assert int((clipped == 0).sum()) == 11
    assert int((clipped == 1).sum()) == 11
    assert torch.equal(stretch(torch.full((1, 1, 4, 4), 0.3), 0.0), torch.full((1, 1, 4, 4), 0.5))


def test_levels():
    image = torch.tensor([0.1, 0.25, 0.5, 0.9])[None, None, None]
    torch.testing.assert_close(set_levels(image, 0.25, 0.75, 1.0)[0, 0, 0], torch.tensor([0, 0, 0.5, 1.0]))
    assert set_levels(image, 0.0, 1.0, 2.0)[0, 0, 0, 1] == pytest.approx(0.5)


def test_rolling_the_image_rolls_the_height():
    image = torch.rand(1, 1, 40, 64) * 0.5 + 0.2

    def height(image):
        flat = remove_light(image, 0.8, 0.1, BOTH)
        return stretch(weigh_details(flat, DetailGains(0.5, 1.5, 0.7), BOTH), 0.001)

    torch.testing.assert_close(
        height(image.roll((7, 11), (-2, -1))), height(image).roll((7, 11), (-2, -1)), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("axes", [BOTH, NONE])
def test_gradcheck(axes):
    image = torch.rand(1, 1, 4, 5, dtype=torch.float64).add(0.1).requires_grad_()
    assert torch.autograd.gradcheck(lambda i: remove_light(i, 0.7, 0.3, axes), image)
    assert torch.autograd.gradcheck(lambda i: weigh_details(i, DetailGains(2, 0.5, 1), axes), image)
