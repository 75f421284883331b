"""Roughness estimates: each rule by itself has a known answer."""

import math

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.common.errors import InputError
from tilewright.material.roughness import WATER, RoughnessRules, deviation, estimate_roughness, local_contrast
from tilewright.nodes.material import RoughnessFromImage

BOTH, NONE = Axes(True, True), Axes(False, False)
X = torch.arange(128) / 128
ONLY_LEVEL = {"brightness": 0.0, "contrast": 0.0, "cavities": 0.0, "flatten": 0.0, "lowest": 0.0}


def wave(cycles, amplitude=0.25):
    """(1, 1, 128, 128) with `cycles` stripes."""
    return (0.5 + amplitude * torch.cos(2 * math.pi * cycles * X)).expand(1, 1, 128, 128)


def estimate(luminance, height=None, axes=BOTH, **rules):
    return estimate_roughness(luminance, height, RoughnessRules(**(ONLY_LEVEL | rules)), axes)[0]


def test_an_even_picture_has_the_even_level():
    rough = estimate_roughness(torch.full((1, 1, 32, 32), 0.3), None, RoughnessRules(roughness=0.6), BOTH)[0]
    torch.testing.assert_close(rough, torch.full_like(rough, 0.6), rtol=0, atol=1e-6)


def test_the_noise_of_an_even_picture_is_not_amplified():
    noise = 0.3 + 0.002 * torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    assert (estimate(noise, brightness=0.5) - 0.6).abs().mean() < 0.05


def test_brightness_moves_two_tones_by_half_its_weight():
    """Half black, half white lie one standard deviation from their mean, half of a typical extreme."""
    tones = (X >= 0.5).float().expand(1, 1, 128, 128)
    rough = estimate(tones, brightness=0.3)
    assert rough.unique().tolist() == pytest.approx([0.45, 0.75])
    assert estimate(tones, brightness=-0.3)[..., 0].unique().tolist() == pytest.approx([0.75])


def test_light_from_one_side_leaves_no_gradient():
    lit = wave(16, 0.1) * torch.linspace(0.6, 1.4, 128)[:, None]
    kept, flattened = (estimate(lit, axes=NONE, brightness=0.3, flatten=amount) for amount in (0.0, 1.0))
    top, bottom = slice(8, 40), slice(88, 120)
    assert (kept[0, 0, bottom].mean() - kept[0, 0, top].mean()).abs() > 0.2
    assert (flattened[0, 0, bottom].mean() - flattened[0, 0, top].mean()).abs() < 0.04


def test_hollows_become_rougher_by_the_gaussians_share():
    """Of a cosine height a blur leaves the cosine: the hollow's deviation is cos / (2 / sqrt 2)."""
    rough = estimate(torch.full((1, 1, 128, 128), 0.5), wave(4), cavities=0.2, radius=0.05)
    expected = 0.6 - 0.2 * torch.cos(2 * math.pi * 4 * X) / math.sqrt(2)
    torch.testing.assert_close(rough[0, 0, 0], expected, rtol=0, atol=1e-5)


def test_local_contrast_is_the_standard_deviation_around():
    """Of fine stripes it is their amplitude over sqrt 2, of nothing 0."""
    stripes = torch.where(X < 0.5, wave(32, 0.2), torch.tensor(0.5))
    found = local_contrast(stripes, 4.0, BOTH)[0, 0, 0]
    assert found[32] == pytest.approx(0.2 / math.sqrt(2), rel=0.02)
    assert found[96] < 1e-3


def test_a_busy_half_is_rougher():
    stripes = torch.where(X < 0.5, wave(32, 0.2), torch.tensor(0.5))
    rough = estimate(stripes, contrast=0.2)[0, 0, 0]
    assert rough[32] > 0.6 + 0.05
    assert rough[96] < 0.6 - 0.05


def test_bounds_hold():
    rough = estimate(wave(3), wave(5), brightness=1.0, cavities=1.0, lowest=0.4, highest=0.7)
    assert (rough.min().item(), rough.max().item()) == pytest.approx((0.4, 0.7))


def test_water_fills_the_lowest_part_and_wets_its_shore():
    """A slope 0..1: at wetness 0.3 the lowest 30 % are under water, the next 10 % of the range are damp."""
    slope = (torch.arange(1000) / 999).expand(1, 1, 4, 1000)
    rough, wet = estimate_roughness(slope, slope, RoughnessRules(**ONLY_LEVEL, wetness=0.3), NONE)
    line = rough[0, 0, 0]
    assert line[:299].unique().tolist() == pytest.approx([WATER])
    assert line[350] == pytest.approx((0.6 + WATER) / 2, abs=0.01)
    assert line[401:].unique().tolist() == pytest.approx([0.6])
    assert wet[0, 0, 0, :300].eq(1).all() and wet[0, 0, 0, 401:].eq(0).all()


def test_without_a_height_water_is_an_even_film():
    rough, wet = estimate_roughness(wave(3), None, RoughnessRules(**ONLY_LEVEL, wetness=0.5), BOTH)
    torch.testing.assert_close(rough, torch.full_like(rough, (0.6 + WATER) / 2))
    assert wet.eq(0.5).all()


def test_rolling_the_image_rolls_the_roughness():
    generator = torch.Generator().manual_seed(0)
    image, height = torch.rand(2, 1, 1, 40, 64, generator=generator)

    def rough(*images):
        return estimate_roughness(*images, RoughnessRules(wetness=0.2, radius=0.03), BOTH)[0]

    rolled = rough(image.roll((7, 11), (-2, -1)), height.roll((7, 11), (-2, -1)))
    torch.testing.assert_close(rolled, rough(image, height).roll((7, 11), (-2, -1)), rtol=0, atol=1e-6)


def test_a_batch_gives_what_its_images_give_alone():
    images = torch.rand(3, 1, 32, 32, generator=torch.Generator().manual_seed(2)) * torch.tensor([1, 0.5, 0.1]).view(
        -1, 1, 1, 1
    )
    rules = RoughnessRules(wetness=0.3)
    together = estimate_roughness(images, images, rules, BOTH)[0]
    alone = torch.cat([estimate_roughness(image[None], image[None], rules, BOTH)[0] for image in images])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)


def test_deviation_of_a_constant_is_nothing():
    assert deviation(torch.full((1, 1, 8, 8), 0.7)).abs().max() < 1e-5


def test_the_node_says_that_it_estimates():
    roughness, water, report = RoughnessFromImage.execute(torch.rand(1, 32, 32, 3)).args
    assert roughness.shape == (1, 32, 32, 3) and water.shape == (1, 32, 32)
    assert "An estimate between" in report and "Without a height" in report


def test_other_sizes_are_named():
    with pytest.raises(InputError, match="image 32 x 32 .*height 16 x 16"):
        RoughnessFromImage.execute(torch.rand(1, 32, 32, 3), height=torch.rand(1, 16, 16, 3))


def test_bounds_the_wrong_way_round_are_named():
    assert "lowest not above highest" in RoughnessFromImage.validate_inputs(0.8, 0.2)
    assert RoughnessFromImage.validate_inputs(0.2, 0.8) is True
