"""Strips along the edge against strips inside: what no line shows."""

import pytest
import torch
from tileable_textures import blurred, bricks, cells, one_over_f, with_band
from tilewright.common.edge_bands import ANOTHER_COLOR, MORE_DETAILED, SOFTER, edge_bands

BAND = 30


def edge_band(image, axis):
    """Of all planes of (B, C, H, W) together."""
    return edge_bands(image.flatten(0, 1)[None], axis)[0]


def garbled(image):
    """`image` (1, C, H, W) with its pixels in another order."""
    order = torch.randperm(image.shape[-1] * image.shape[-2], generator=torch.Generator().manual_seed(0))
    return image.flatten(2)[..., order].view_as(image)


@pytest.mark.parametrize("axis", ["x", "y"])
@pytest.mark.parametrize("texture", [cells, one_over_f, bricks])
def test_a_texture_that_tiles_is_at_its_edge_as_inside(texture, axis):
    assert edge_band(texture(), axis).excess < 0.9


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda image: blurred(image, 2), SOFTER),
        (lambda image: blurred(image, 12), SOFTER),
        (lambda image: image.mean((2, 3), keepdim=True).expand_as(image), SOFTER),
        (garbled, MORE_DETAILED),
        (lambda image: image + torch.tensor([-0.35, 0.35, -0.35]).view(3, 1, 1), ANOTHER_COLOR),
    ],
    ids=["blurred", "very blurred", "filled", "garbled", "green"],
)
def test_a_changed_band_stands_out_on_its_own_axis_only(change, kind):
    image = with_band(cells(), change(cells()), BAND)
    found = edge_band(image, "x")
    assert (found.kind, found.excess > 1.1) == (kind, True)
    assert 8 <= found.width <= 32
    assert edge_band(image, "y").excess < 0.9
    assert edge_band(image.transpose(-1, -2), "y") == found


@pytest.mark.slow
def test_eight_garbled_edges_of_eight_are_found():
    found = [edge_band(with_band(cells(seed=seed), garbled(cells(seed=seed)), BAND), "x") for seed in range(8)]
    assert [band.excess > 0.9 for band in found] == [True] * 8


@pytest.mark.parametrize("seed", [0, 2, 4])
def test_a_crossfade_is_found_by_detail_and_contrast_together(seed):
    """Either alone lies within what is usual; the excess is that of both, whichever of them names the band."""
    stones = cells(seed=seed, count=400)
    fade = (stones + stones.roll((85, 128), (2, 3))) / 2
    assert edge_band(with_band(stones, fade, BAND), "x").excess > 0.9
    assert edge_band(stones, "x").excess < 0.9


def test_brightness_and_contrast_make_no_difference():
    image = with_band(cells(), blurred(cells(), 6), BAND).double()
    here, there = edge_band(image, "x"), edge_band(image * 1000 + 363, "x")
    assert there.excess == pytest.approx(here.excess, rel=1e-4)


def test_the_more_strips_there_are_to_compare_with_the_more_an_excess_counts():
    """The same white band of 8 pixels in the same texture, of pictures that are ever wider."""
    excesses = []
    for size in (128, 256, 512):
        image = torch.zeros(1, 1, 64, size)
        image[..., ::2, :] = 0.5 + 0.01 * (torch.arange(size) % 2)
        image[..., :4], image[..., -4:] = 1.0, 1.0
        excesses.append(edge_band(image, "x").excess)
    assert excesses == sorted(excesses) and excesses[0] > 0


def test_too_few_strips_say_nothing():
    assert edge_band(cells(48), "x").excess == 0
