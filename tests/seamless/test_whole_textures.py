"""A texture that was painted anew as a whole: a mask says what of it replaces the old one, in whose colours."""

import pytest
import torch
from test_region import BOTH, spot, texture
from tilewright.common.errors import InputError
from tilewright.material.filters import gaussian_blur
from tilewright.nodes.seamless import CropRegion, StitchRegion
from tilewright.seamless.region import crop, whole_region


def cross(height=96, width=128):
    """A mask (1, H, W) of two bands of 24 pixels through the middle."""
    mask = torch.zeros(1, height, width)
    mask[:, height // 2 - 12 : height // 2 + 12] = 1
    mask[..., width // 2 - 12 : width // 2 + 12] = 1
    return mask


def test_a_whole_texture_painted_anew_replaces_what_a_mask_marks():
    image, painted = texture().movedim(1, -1), texture(seed=1).movedim(1, -1)
    mended, where = StitchRegion.execute(image, painted, match_color=False, mask=cross()).args
    assert torch.equal(where, cross())
    marked = cross()[..., None] == 1
    torch.testing.assert_close(mended, torch.where(marked, painted, image), rtol=0, atol=1e-6)
    assert torch.equal(mended[~marked.expand_as(mended)], image[~marked.expand_as(image)])


def test_a_whole_texture_as_a_region_is_cut_as_it_is():
    region = whole_region(spot(), BOTH)
    assert torch.equal(crop(texture(), region), texture())
    assert torch.equal(region.placed_weight(), spot()) and region.enlargement == 1 and not region.crosses_border


def test_what_was_painted_takes_the_colors_around_it_and_keeps_its_detail():
    """A band painted in a blue of its own over a brown that changes from left to right."""
    fine = texture(seed=2) - 0.5
    fine = fine - gaussian_blur(fine, 12.0, BOTH)
    slope = 0.1 * torch.cos(2 * torch.pi * torch.arange(128) / 128)
    brown = torch.tensor([0.6, 0.4, 0.25])[:, None, None] + slope
    image, painted = brown[None].expand(1, 3, 96, 128), fine + torch.tensor([0.2, 0.3, 0.7])[:, None, None]
    given = {"image": image.movedim(1, -1), "patch": painted.movedim(1, -1), "mask": cross(), "match_color": False}
    plain, taken = (StitchRegion.execute(**given, colors_around=on).args[0].movedim(-1, 1) for on in (False, True))
    inside = cross()[0] == 1
    off = [(result - fine - image)[..., inside].abs().mean() for result in (plain, taken)]
    assert off[0] > 0.3 and off[1] < 0.03
    assert torch.equal(taken[..., ~inside], image[..., ~inside])


def test_a_mask_without_surroundings_leaves_the_colors_as_painted():
    image, painted = texture().movedim(1, -1), texture(seed=1).movedim(1, -1)
    mended = StitchRegion.execute(image, painted, mask=torch.ones(1, 96, 128), colors_around=True).args[0]
    torch.testing.assert_close(mended, painted, rtol=0, atol=1e-6)


def test_both_or_neither_of_region_and_mask_is_told():
    image = texture().movedim(1, -1)
    region = CropRegion.execute(image, spot()[None], 64).args[2]
    for given in ({}, {"region": region, "mask": cross()}):
        with pytest.raises(InputError, match="either region, from Crop Region, or mask"):
            StitchRegion.execute(image, image, **given)
    with pytest.raises(InputError, match="mask is 64 x 64 pixels, the image 128 x 96"):
        StitchRegion.execute(image, image, mask=torch.ones(1, 64, 64))
    with pytest.raises(InputError, match="The mask marks nothing: it is black"):
        StitchRegion.execute(image, image, mask=torch.zeros(1, 96, 128))


def test_the_colors_around_a_spot_leave_its_alpha():
    image = torch.cat([texture(), torch.full((1, 1, 96, 128), 0.9)], 1).movedim(1, -1)
    painted = torch.cat([texture(seed=1), torch.full((1, 1, 96, 128), 0.25)], 1).movedim(1, -1)
    given = {"match_color": False, "mask": cross(), "colors_around": True}
    mended = StitchRegion.execute(image, painted, **given).args[0]
    torch.testing.assert_close(mended[..., 3][cross() == 1], torch.full((int(cross().sum()),), 0.25))
