"""A picture that does not tile is made to, along one line for all its maps."""

import numpy as np
import pytest
import scipy.sparse.csgraph
import torch
from tilewright.common.errors import InputError
from tilewright.common.seams import moved_seam, seam_statistics
from tilewright.nodes.seamless import MakeSeamless, OffsetImage
from tilewright.seamless.graph_cut import minimum_cyclic_cut
from tilewright.seamless.make_seamless import METHODS, best_shift

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
    assert report.startswith("left–right: seamless · top–bottom: seamless")
    assert report.count("not moved") == 2


@each_method
def test_the_middle_stays(method):
    before = gravel()
    after = MakeSeamless.execute(before, "both", 32, method).args[0]
    mask = MakeSeamless.execute(before, "both", 32, method).args[2]
    assert mask[:, 40:-40, 40:-40].max() == 0
    tolerance = 0 if method == "cut" else 0.1
    torch.testing.assert_close(after[:, 60:100, 60:130], before[:, 60:100, 60:130], atol=tolerance, rtol=0)


def test_a_mask_that_is_cut_has_the_two_values_it_had():
    mask = (gravel()[..., :1] > 0.45).float()
    assert mask.unique().tolist() == [0, 1]
    for axes in ("both", "x", "y"):
        image, maps = MakeSeamless.execute(mask, axes, 48, "cut", maps=mask).args[:2]
        assert image.unique().tolist() == maps.unique().tolist() == [0, 1]


@each_method
@pytest.mark.parametrize("role", ["image", "maps"])
def test_normals_keep_their_length(method, role):
    normals = torch.nn.functional.normalize(gravel() - torch.tensor([0.45, 0.45, -0.3]), dim=-1) / 2 + 0.5
    options = {"maps": normals} if role == "maps" else {}
    result = MakeSeamless.execute(normals if role == "image" else gravel(), "both", 48, method, **options).args[
        role == "maps"
    ]
    lengths = (result * 2 - 1).norm(dim=-1)
    torch.testing.assert_close(lengths, torch.ones_like(lengths), atol=1e-5, rtol=0)


@each_method
def test_heights_in_metres_stay_in_metres(method):
    """Values from 363 to 1397: they once came out as 1 everywhere, called seamless."""
    heights = gravel()[..., :1]
    heights = 363 + (heights - heights.amin()) / (heights.amax() - heights.amin()) * (1397 - 363)
    after = MakeSeamless.execute(heights, "both", 48, method).args[0]
    assert heights.amin() <= after.amin() < 500
    assert 1200 < after.amax() <= heights.amax()
    assert after.std() > 0.8 * heights.std()


@pytest.mark.parametrize("given", ["image", "maps"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_one_value_that_is_no_number_is_named(given, value):
    broken = gravel()
    broken[0, 3, 5, 1] = value
    image, maps = (broken, None) if given == "image" else (gravel(), broken)
    with pytest.raises(InputError, match=f"The {given}.* has 1 of 30720 pixels that are not numbers"):
        MakeSeamless.execute(image, "both", 48, "poisson", maps=maps)


def test_an_empty_batch_is_named():
    with pytest.raises(InputError, match="empty batch"):
        MakeSeamless.execute(gravel()[:0], "both", 48, "cut")


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_any_number_of_channels(channels):
    image = gravel()[..., [0, 1, 2, 0][:channels]] if channels > 1 else gravel()[..., 0]
    after = MakeSeamless.execute(image, "both", 48, "cut").args[0]
    assert after.shape == (1, 160, 192, channels)


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


def test_the_cut_takes_the_free_way_also_sideways():
    """Down between columns 1 and 2, then in one step sideways and down between columns 5 and 6."""
    difference, left = torch.ones(10, 8), [2] * 5 + [6] * 5
    for row, pixels in enumerate(left):
        difference[row, pixels - 1 : pixels + 1] = 0
    difference[[9, 0, 4, 5], 2:6] = 0
    assert price(difference, minimum_cyclic_cut(difference)) == 0


@pytest.mark.parametrize("seed", range(5))
def test_the_cut_is_the_minimum_cut_of_the_graph_of_pixels(seed):
    difference = torch.randint(1, 50, (7, 6), generator=torch.Generator().manual_seed(seed))
    assert price(difference, minimum_cyclic_cut(difference.double())) == maximum_flow_through(difference)


def price(difference, left):
    """What it costs to part the neighbours on both sides of a cut."""
    column = torch.arange(difference.shape[1])
    side = column < left.unsqueeze(1)
    total = 0
    for dim in (0, 1):
        parted = (side != side.roll(-1, dim)) & (column < difference.shape[1] - dim)
        total += int(((difference + difference.roll(-1, dim)) * parted).sum())
    return total


def maximum_flow_through(difference):
    """From the left edge to the right one, as much as the least cut costs; each row is cut only once."""
    height, width = difference.shape
    anything, source, sink = 10**6, height * width, height * width + 1
    capacity = np.zeros((height * width + 2,) * 2, dtype=np.int32)
    for row, column in np.ndindex(height, width):
        here, below = row * width + column, (row + 1) % height * width + column
        capacity[here, below] = capacity[below, here] = difference.flatten()[[here, below]].sum()
        if column + 1 < width:
            capacity[here, here + 1], capacity[here + 1, here] = difference.flatten()[here : here + 2].sum(), anything
    capacity[source, 0 : height * width : width] = capacity[width - 1 : height * width : width, sink] = anything
    return scipy.sparse.csgraph.maximum_flow(scipy.sparse.csr_matrix(capacity), source, sink).flow_value


def test_the_cut_closes_on_itself():
    """Rolled rows give rolled cuts."""
    difference = torch.rand(50, 20, generator=torch.Generator().manual_seed(0))
    assert torch.equal(minimum_cyclic_cut(difference.roll(17, 0)), minimum_cyclic_cut(difference).roll(17))


def test_a_regular_wall_is_shifted_by_whole_bricks():
    """Five of them: by half the wall, joints would come to lie on bricks."""
    wall = (torch.arange(240) % 48 > 5).double().expand(1, 3, 160, 240)
    assert best_shift(wall, 40, sideways=False) in [(0, 96), (0, 144)]


def test_along_the_axis_that_tiles_by_now_the_shift_is_free():
    """Slanting stripes: shifted along one axis they agree where they are shifted enough along the other."""
    row, column = torch.meshgrid(torch.arange(160), torch.arange(128), indexing="ij")
    stripes = torch.sin((row + column * 1.25) * 2 * torch.pi / 32).expand(1, 3, 160, 128)
    down, right = best_shift(stripes, 40, sideways=True)
    assert (down + right * 1.25) % 32 == 0


def test_too_wide_a_cut_is_named():
    with pytest.raises(InputError, match="width is 96 pixels.*at most 72"):
        MakeSeamless.execute(gravel(), "both", 96, "cut")


@pytest.mark.parametrize("shape", [(1, 512), (512, 1), (47, 64), (1, 1)])
def test_an_image_too_small_for_any_width_is_told_what_is_large_enough(shape):
    with pytest.raises(InputError, match=r"the middle must stay\. Connect one of 48 pixels or more a side\.$"):
        MakeSeamless.execute(torch.rand(1, *shape, 3), "both", 16, "cut")


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
