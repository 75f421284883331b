"""A picture that does not tile is made to, along one line for all its maps."""

import pytest
import torch
from tilewright.nodes.common.errors import InputError
from tilewright.nodes.common.seams import moved_seam, seam_statistics
from tilewright.nodes.seamless.make_seamless import METHODS, best_path
from tilewright.nodes.seamless.nodes import MakeSeamless, OffsetImage

each_method = pytest.mark.parametrize("method", METHODS)


def gravel(height=160, width=192, seed=0):
    """Blurred noise with light from the left: it neither tiles nor has the same brightness on both sides."""
    noise = torch.rand(1, 3, height + 8, width + 8, generator=torch.Generator().manual_seed(seed))
    blurred = torch.nn.functional.avg_pool2d(noise, 5, 1)[..., :height, :width]
    return (blurred * 0.8 + torch.linspace(0, 0.1, width)).movedim(1, -1)


def seams(image):
    return [seam_statistics(image.movedim(-1, 1), axis) for axis in "xy"]


@each_method
def test_the_result_tiles_and_the_seam_did_not_move(method):
    before = gravel()
    after, _, _, report = MakeSeamless.execute(before, "both", 48, method).args
    assert max(seam.q for seam in seams(before)) > 1.2
    assert max(seam.q for seam in seams(after)) <= 1.05
    for axis in "xy":
        assert moved_seam(before.movedim(-1, 1), after.movedim(-1, 1), axis) <= 1.1
    assert "not moved" in report


@each_method
def test_the_middle_stays(method):
    before = gravel()
    after = MakeSeamless.execute(before, "both", 32, method).args[0]
    mask = MakeSeamless.execute(before, "both", 32, method).args[2]
    assert mask[:, 40:-40, 40:-40].max() == 0
    tolerance = 0 if method == "cut" else 0.1
    torch.testing.assert_close(after[:, 60:100, 60:130], before[:, 60:100, 60:130], atol=tolerance, rtol=0)


def test_one_axis_leaves_the_other():
    before = gravel()
    after = MakeSeamless.execute(before, "x", 48, "cut").args[0]
    assert seams(after)[0].q <= 1.05
    assert seams(after)[1].q > 1.2


@each_method
def test_an_axis_that_tiles_goes_on_tiling(method):
    column = gravel()[:, :, 96:97]
    before = column.expand(1, 160, 192, 3) * torch.linspace(0.5, 1, 192).view(1, 1, -1, 1)
    before = torch.cat([before, before.flip(1)], 1)  # mirrored: it tiles from top to bottom
    after = MakeSeamless.execute(before, "x", 48, method).args[0]
    assert seams(after)[1].q <= 1.05


def test_maps_are_cut_along_the_same_line():
    basecolor = gravel()
    maps = torch.cat([basecolor, 1 - basecolor])
    after, cut_alike, _, _ = MakeSeamless.execute(basecolor, "both", 48, "cut", maps=maps).args
    torch.testing.assert_close(cut_alike[:1], after)
    torch.testing.assert_close(cut_alike[1:], 1 - after)


def test_the_path_takes_the_free_way():
    cost = torch.ones(6, 5)
    way = [2, 3, 4, 3, 2, 2]
    cost[torch.arange(6), torch.tensor(way)] = 0
    assert best_path(cost).tolist() == way


def test_the_path_closes_on_itself():
    cost = torch.rand(50, 20, generator=torch.Generator().manual_seed(0))
    path = best_path(cost)
    assert (path - path.roll(1)).abs().max() <= 1


def test_too_wide_a_cut_is_named():
    with pytest.raises(InputError, match="width is 96 pixels.*at most 72"):
        MakeSeamless.execute(gravel(), "both", 96, "cut")


def test_maps_of_another_size_are_named():
    with pytest.raises(InputError, match="96 x 96 pixels, the image 192 x 160"):
        MakeSeamless.execute(gravel(), "both", 48, "cut", maps=torch.rand(2, 96, 96, 3))


def test_offset_there_and_back():
    image = gravel(height=161)
    there = OffsetImage.execute(image, 0.5, 0.5, 16, 0, "both").args[0]
    assert not torch.equal(there, image)
    assert torch.equal(OffsetImage.execute(there, -0.5, -0.5, 16, 0, "both").args[0], image)


def test_the_mask_lies_on_the_seams():
    image = torch.zeros(2, 100, 120, 3)
    image[:, :, 0] = 1  # the left edge
    image, mask = OffsetImage.execute(image, 0.5, 0.0, 20, 0, "x").args
    assert mask.shape == (2, 100, 120)
    assert mask[0].sum(1).unique().tolist() == [20]
    assert (mask[0, 0].nonzero().flatten().tolist(), int(image[0, 0, :, 0].argmax())) == (list(range(50, 70)), 60)


def test_the_mask_fades():
    mask = OffsetImage.execute(torch.zeros(1, 64, 64, 3), 0.5, 0.5, 8, 4, "x").args[1]
    assert mask[0, 0, 26:36].tolist() == [0.625, 0.875, 1, 1, 1, 1, 1, 1, 1, 1]
