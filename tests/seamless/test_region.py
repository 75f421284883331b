"""A spot is cut out, across the border where need be, and put back; the rest of the texture never changes."""

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.common.errors import InputError
from tilewright.common.seams import seam_statistics
from tilewright.material.filters import gaussian_blur
from tilewright.nodes.seamless import CropRegion, StitchRegion
from tilewright.seamless.region import crop, cut, find_region, grown_weight, occupied, stitch

BOTH, NONE = Axes(True, True), Axes(False, False)


def texture(height=96, width=128, seed=0):
    """Noise without details below 8 pixels that tiles, (1, 3, H, W)."""
    noise = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))
    return 0.5 + 3 * gaussian_blur(noise - 0.5, 3.0, BOTH)


def spot(height=96, width=128, top=-5, left=-7, tall=12, wide=16):
    """A mask (H, W) with a rectangle that may run over the border."""
    mask = torch.zeros(height, width)
    mask[:tall, :wide] = 1
    return mask.roll((top, left), (0, 1))


def bits(*places):
    line = torch.zeros(10, dtype=torch.bool)
    line[list(places)] = True
    return line


@pytest.mark.parametrize(
    ("places", "wraps", "expected"),
    [
        ((3, 4, 6), True, (3, 4)),
        ((9, 0, 1), True, (9, 3)),
        ((9, 0, 1), False, (0, 10)),
        ((8, 2), True, (8, 5)),
        ((5,), True, (5, 1)),
        (range(10), True, (1, 10)),
    ],
)
def test_the_shortest_stretch_may_run_over_the_end(places, wraps, expected):
    assert occupied(bits(*places), wraps) == expected


def test_the_weight_falls_from_one_to_nothing_with_the_distance():
    """One pixel on the corner, grown by 2, faded over 3: 1 up to 2 px away, 0 from 6 px on, round the border."""
    mask = torch.zeros(20, 20, dtype=torch.bool)
    mask[0, 0] = True
    line = grown_weight(mask, BOTH, 2, 3)[0]
    assert line[:3].eq(1).all() and line[18:].eq(1).all()
    assert line[3] == pytest.approx(0.75**2 * (3 - 2 * 0.75))
    assert line[6:15].eq(0).all()
    assert grown_weight(mask, NONE, 2, 3)[0, 15:].eq(0).all()


def test_a_spot_on_the_corner_is_one_square_in_the_middle_of_its_region():
    region = find_region(spot(), BOTH, 256, 1.0, 2, 3)
    assert region.crosses_border
    assert region.height == region.width
    assert region.patch == (256, 256)
    marked = region.weight.nonzero()
    margins = torch.cat([marked.amin(0), torch.tensor(region.weight.shape) - 1 - marked.amax(0)])
    assert margins.min() >= 8
    assert (margins[0] - margins[2]).abs() <= 1 and (margins[1] - margins[3]).abs() <= 1


def test_without_wrapping_the_region_stays_inside():
    region = find_region(spot(top=0, left=0), NONE, 256, 1.0, 2, 3)
    assert (region.top, region.left, region.crosses_border) == (0, 0, False)


def test_the_patch_put_back_as_it_was_is_the_texture_again():
    image = texture()
    region = find_region(spot(), BOTH, 256, 1.0, 4, 6)
    back = stitch(image, crop(image, region), region, match_color=False)
    assert (back - image).abs().max() < 2e-3  # enlarged and reduced again, only inside the spot
    assert torch.equal(back[..., region.placed_weight() == 0], image[..., region.placed_weight() == 0])


@pytest.mark.parametrize("match_color", [True, False])
def test_outside_every_bit_stays_and_inside_is_the_patch(match_color):
    image = texture()
    region = find_region(spot(), BOTH, 128, 1.0, 2, 3)
    patch = torch.full((1, 3, *region.patch), 0.25)
    back = stitch(image, patch, region, match_color)
    weight = region.placed_weight()
    assert torch.equal(back[..., weight == 0], image[..., weight == 0])
    if not match_color:
        assert back[..., weight == 1].unique().tolist() == [0.25]


def test_a_decoders_shift_of_colour_is_taken_out():
    image = texture()
    region = find_region(spot(), BOTH, 256, 1.0, 4, 6)
    shift = torch.tensor([0.1, -0.05, 0.02])[:, None, None]
    back = stitch(image, crop(image, region) + shift, region, match_color=True)
    assert (back - image).abs().max() < 4e-3


def test_rolling_texture_and_mask_rolls_everything():
    image, mask = texture(), spot(top=20, left=30)
    painted = None
    for shift in [(0, 0), (41, 77), (70, 90)]:
        rolled = image.roll(shift, (-2, -1))
        region = find_region(mask.roll(shift, (0, 1)), BOTH, 128, 1.0, 3, 5)
        patch = crop(rolled, region).flip(1) * 0.9
        back = stitch(rolled, patch, region, match_color=True).roll((-shift[0], -shift[1]), (-2, -1))
        painted = back if painted is None else painted
        torch.testing.assert_close(back, painted, rtol=0, atol=1e-6)


def test_filling_leaves_nothing_of_the_spot():
    """A black spot on a smooth gradient becomes the gradient, about."""
    gradient = torch.linspace(0.4, 0.6, 128).expand(1, 3, 96, 128)
    mask = spot(top=40, left=50)
    region = find_region(mask, NONE, 64, 1.0, 2, 3)
    filled = crop(gradient * (1 - mask), region, fill=True)
    assert (filled - crop(gradient, region)).abs().max() < 0.03


def test_filling_a_spot_without_surroundings_takes_the_mean():
    region = find_region(torch.ones(96, 128), BOTH, 64, 1.0, 2, 3)
    filled = crop(texture(), region, fill=True)
    torch.testing.assert_close(filled.mean((-2, -1)), texture().mean((-2, -1)), rtol=0, atol=1e-4)
    assert filled.std() < 0.05


def test_no_seam_where_the_region_crosses_the_border():
    image = texture()
    region = find_region(spot(), BOTH, 256, 1.0, 4, 8)
    patch = crop(texture(seed=1).roll((48, 64), (-2, -1)), region)
    back = stitch(image, patch, region, match_color=True)
    assert not torch.equal(back, image)
    assert max(seam_statistics(back, axis).q for axis in "xy") <= 1.05


def test_a_spot_across_the_whole_texture_closes_on_itself():
    stripe = torch.zeros(96, 128)
    stripe[40:50] = 1
    region = find_region(stripe, BOTH, 256, 0.5, 0, 4)
    assert region.width == 128 and region.axes.x
    image = texture()
    back = stitch(image, crop(image, region), region, match_color=False)
    assert (back - image).abs().max() < 2e-3


def test_all_maps_are_cut_alike_and_each_gets_its_own_patch():
    image = texture()
    maps = torch.cat([image, 1 - image])
    region = find_region(spot(), BOTH, 128, 1.0, 2, 3)
    torch.testing.assert_close(crop(maps, region)[1], 1 - crop(image, region)[0], rtol=0, atol=1e-5)
    back = stitch(maps, crop(maps, region), region, match_color=True)
    torch.testing.assert_close(back[1], 1 - back[0], rtol=0, atol=1e-5)


def test_one_texture_takes_several_patches_to_choose_from():
    region = find_region(spot(), BOTH, 128, 1.0, 2, 3)
    patches = torch.rand(3, 3, *region.patch)
    assert stitch(texture(), patches, region, False).shape == (3, 3, 96, 128)


def test_alpha_stays():
    image = torch.cat([texture(), torch.rand(1, 1, 96, 128)], 1)
    region = find_region(spot(), BOTH, 128, 1.0, 2, 3)
    back = stitch(image, torch.zeros(1, 3, *region.patch), region, False)
    assert torch.equal(back[:, 3], image[:, 3])


def test_blended_normals_have_unit_length():
    flat = torch.tensor([0.5, 0.5, 1.0])[:, None, None].expand(1, 3, 96, 128)
    region = find_region(spot(), BOTH, 128, 1.0, 2, 6)
    steep = torch.tensor([1.0, 0.5, 0.5])[:, None, None].expand(1, 3, *region.patch)
    lengths = [
        (2 * stitch(flat, steep, region, False, normals) - 1).square().sum(1).sqrt() for normals in (True, False)
    ]
    torch.testing.assert_close(lengths[0], torch.ones_like(lengths[0]), rtol=0, atol=1e-6)
    assert lengths[1].min() < 0.9


def test_cut_takes_the_pixels_as_they_are():
    image = texture()
    region = find_region(spot(), BOTH, 128, 1.0, 2, 3)
    torch.testing.assert_close(
        cut(image, region),
        image.roll((-region.top, -region.left), (-2, -1))[..., : region.height, : region.width],
        rtol=0,
        atol=0,
    )


def test_the_nodes_hand_on_what_they_did():
    image = texture().movedim(1, -1)
    picture, mask, region, report = CropRegion.execute(image, spot()[None], 256, grow=2, feather=3).args
    assert picture.shape == (1, 256, 256, 3) and mask.shape == (1, 256, 256)
    assert "across the border" in report and "times" in report
    mended, where = StitchRegion.execute(image, picture, region).args
    assert mended.shape == image.shape and where.shape == (1, 96, 128)


def test_a_region_larger_than_its_patch_is_told():
    report = CropRegion.execute(texture().movedim(1, -1), spot()[None], 64, context=2.0).args[3]
    assert "softer than the rest" in report


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (torch.zeros(1, 96, 128), "marks nothing"),
        (torch.full((1, 96, 128), 0.4), "brightest value is 0.4"),
        (torch.zeros(1, 64, 64), "mask is 64 x 64 pixels, the image 128 x 96"),
    ],
)
def test_masks_that_cannot_be_used_are_named(mask, message):
    with pytest.raises(InputError, match=message):
        CropRegion.execute(texture().movedim(1, -1), mask)


@pytest.mark.parametrize(
    ("image", "patch", "message"),
    [
        (torch.zeros(1, 64, 64, 3), torch.zeros(1, 128, 128, 3), "64 x 64 pixels, the texture .* 128 x 96"),
        (torch.zeros(1, 96, 128, 3), torch.zeros(1, 128, 64, 3), "patch is 64 x 128 pixels, its region 128 x 128"),
        (torch.zeros(3, 96, 128, 3), torch.zeros(1, 128, 128, 3), "3 images and 1 patches"),
        (torch.zeros(1, 96, 128), torch.zeros(1, 128, 128, 3), "patch has 3 channels and the image 1"),
        (torch.zeros(1, 96, 128, 3), torch.full((1, 128, 128, 3), torch.nan), "The patch has 16384 of 16384 pixels"),
    ],
)
def test_patches_that_do_not_fit_are_named(image, patch, message):
    region = CropRegion.execute(texture().movedim(1, -1), spot()[None], 128, grow=2, feather=3).args[2]
    with pytest.raises(InputError, match=message):
        StitchRegion.execute(image, patch, region)


def test_a_mask_of_nan_is_named():
    mask = torch.zeros(1, 64, 64)
    mask[0, :2] = float("nan")
    with pytest.raises(InputError, match="The mask has 128 of 4096 pixels that are not numbers"):
        CropRegion.execute(torch.rand(1, 64, 64, 3), mask)
