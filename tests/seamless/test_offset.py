"""A texture rolled by shares of its size, the mask of its seams, and copies side by side."""

import torch
from tilewright.common.axes import Axes
from tilewright.seamless.offset import offset_image, offset_pixels, seam_mask, tile_image


def test_shares_of_a_size_in_whole_pixels():
    assert [offset_pixels(share, 5) for share in (0, 0.5, -0.5, 1)] == [0, 2, -2, 5]


def test_to_the_right_and_down():
    image = torch.zeros(1, 1, 4, 8)
    image[..., 0, 0] = 1
    assert offset_image(image, x=0.25, y=0.5).nonzero().tolist() == [[0, 0, 2, 2]]


def test_the_mask_lies_where_the_edges_came_to_lie():
    mask = seam_mask(6, 8, 0.5, 0.5, Axes(x=True, y=False), seam_width=2, feather=0)
    assert mask[0].tolist() == [0, 0, 0, 1, 1, 0, 0, 0]
    assert seam_mask(6, 8, 0.5, 0.5, Axes(x=False, y=True), 2, 0)[:, 0].tolist() == [0, 0, 1, 1, 0, 0]


def test_the_mask_of_edges_that_did_not_move_wraps():
    assert seam_mask(1, 8, 0, 0, Axes(True, False), seam_width=2, feather=0)[0].tolist() == [1, 0, 0, 0, 0, 0, 0, 1]


def test_copies_side_by_side():
    assert tile_image(torch.tensor([[[[1, 2]]]]), columns=2, rows=2).tolist() == [[[[1, 2, 1, 2], [1, 2, 1, 2]]]]
