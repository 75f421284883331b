"""The colours around a spot, with known answers."""

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.seamless.surroundings import in_colors_around, surroundings, width_of

BOTH, NONE = Axes(True, True), Axes(False, False)
RED, BLUE = torch.tensor([0.8, 0.2, 0.1]), torch.tensor([0.1, 0.2, 0.8])


def plain(color, height=64, width=64):
    return color[None, :, None, None].expand(1, 3, height, width).clone()


def band(height=64, width=64):
    weight = torch.zeros(height, width)
    weight[24:40] = 1
    return weight


@pytest.mark.parametrize("axes", [BOTH, NONE])
def test_one_color_around_a_spot_is_laid_over_it(axes):
    image = torch.where(band() == 1, plain(BLUE), plain(RED))
    torch.testing.assert_close(surroundings(image, band(), axes, 5.0), plain(RED), rtol=0, atol=1e-5)


def test_what_is_all_spot_has_its_mean_around_it():
    halves = torch.cat([plain(RED, 32), plain(BLUE, 32)], 2)
    found = surroundings(halves, torch.ones(64, 64), BOTH, 5.0)
    torch.testing.assert_close(found, plain((RED + BLUE) / 2), rtol=0, atol=1e-6)


@pytest.mark.parametrize("axes", [BOTH, NONE])
def test_a_plain_color_becomes_the_one_around_it(axes):
    found = in_colors_around(plain(BLUE), plain(RED), band(), axes)
    torch.testing.assert_close(found[..., 24:40, :], plain(RED)[..., 24:40, :], rtol=0, atol=1e-5)
    assert torch.equal(found[..., :24, :], plain(BLUE)[..., :24, :])


def test_values_stay_within_those_of_both():
    """Bright grain in a dark band, put on white, would shine."""
    grain = plain(torch.tensor([0.0] * 3))
    grain[..., ::2, ::2] = 1
    found = in_colors_around(grain, plain(torch.tensor([1.0] * 3)), band(), BOTH)
    assert found.min() >= 0 and found.max() == 1


@pytest.mark.parametrize("weight", [torch.ones(64, 64), torch.zeros(64, 64), 0.5 * band()])
def test_without_a_whole_spot_or_surroundings_nothing_changes(weight):
    assert torch.equal(in_colors_around(plain(BLUE), plain(RED), weight, BOTH), plain(BLUE))


@pytest.mark.parametrize("axes", [BOTH, NONE])
def test_a_bands_width_is_half_of_it_and_a_disks_less_than_half_its_radius(axes):
    rows, columns = torch.arange(96)[:, None] - 48.0, torch.arange(128) - 64.0
    assert width_of(band() == 1, axes) == pytest.approx(8)
    assert width_of(torch.hypot(rows, columns) < 30, axes) == pytest.approx(0.39 * 30, rel=0.05)
