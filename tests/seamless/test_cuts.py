"""An image made tileable along cuts, where the answer is known: a pattern that repeats, cut off in between."""

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.seamless.make_seamless import CUT, MARGIN, METHODS, make_seamless, replacement
from tilewright.seamless.region import crop_weight, find_region

SIZE, PERIOD, WIDTH = 70, 20, 12


def waves(height=SIZE, size=SIZE):
    """(1, 3, H, W) with a period of 20 pixels, which 70 is no multiple of."""
    x = torch.cos(2 * torch.pi * torch.arange(size) / PERIOD)
    y = torch.cos(2 * torch.pi * torch.arange(height) / PERIOD)
    return (0.5 + 0.2 * x + 0.2 * y[:, None]).expand(1, 3, height, size)


def step_at_wrap(image, dim):
    return float((image.select(dim, 0) - image.select(dim, -1)).abs().max())


def test_a_pattern_is_shifted_until_it_meets_itself():
    """Shifted by what 70 lacks of a multiple of 20, the pattern covers its own edges without any difference."""
    image = waves(40)
    shift, mask = replacement(image, WIDTH, sideways=False)
    assert shift[0] == 0 and mask.shape == (40, SIZE)
    assert mask[:, :MARGIN].min() == 1 and mask[:, -MARGIN:].min() == 1
    assert mask[:, WIDTH:-WIDTH].max() == 0 and set(mask.unique().tolist()) == {0, 1}
    shifted = image.roll(shift, (-2, -1))
    torch.testing.assert_close(shifted[..., 0], shifted[..., 1], atol=0.07, rtol=0)
    assert (shifted[..., 0] - shifted[..., -1]).abs().max() < 0.07 < step_at_wrap(image, -1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("axes", [Axes(True, False), Axes(False, True), Axes(True, True)])
def test_only_the_axes_asked_for_tile_and_the_middle_stays(method, axes):
    image = waves()
    (tiled,), mask = make_seamless(image, [image], axes, WIDTH, method)
    for wraps, dim in ((axes.x, -1), (axes.y, -2)):
        before, after = step_at_wrap(image, dim), step_at_wrap(tiled, dim)
        assert after < 0.25 * before if wraps else after > 0.5 * before
    assert mask[WIDTH:-WIDTH, WIDTH:-WIDTH].max() == 0
    if method == CUT:
        assert torch.equal(tiled[..., mask == 0], image[..., mask == 0])
        assert torch.isin(tiled, image).all()


def test_other_maps_are_cut_where_the_first_is():
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    places = torch.arange(64 * 64.0).view(1, 1, 64, 64)
    (tiled, moved), mask = make_seamless(image, [image, places], Axes(True, True), WIDTH, CUT)
    assert 0 < mask.mean() < 0.8
    assert torch.equal(image[0].flatten(1)[:, moved[0, 0].long()], tiled[0])


def test_a_weight_is_enlarged_to_its_patch():
    """A spot of 8 pixels grown by 2: the patch shows it as large as everything else, 1 inside and 0 at its border."""
    mask = torch.zeros(64, 64)
    mask[28:36, 28:36] = 1
    region = find_region(mask, Axes(True, True), 128, 0.5, grow=2, feather=3)
    weight = crop_weight(region)
    assert weight.shape == (1, *region.patch)
    assert weight.min() == 0 and weight.max() == 1
    assert weight.sum() == pytest.approx(float(region.weight.sum()) * region.enlargement**2, rel=0.02)
    middle = [side // 2 for side in region.patch]
    assert weight[0, middle[0], middle[1]] == 1 and weight[0, 0].max() == 0
