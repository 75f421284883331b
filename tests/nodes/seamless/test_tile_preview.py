import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.nodes.seamless import TilePreview


def test_copies_lie_side_by_side():
    image = torch.rand(2, 3, 5, 3)
    preview = TilePreview.execute(image, columns=3, rows=2).args[0]
    assert preview.shape == (2, 6, 15, 3)
    for row in range(2):
        for column in range(3):
            assert torch.equal(preview[:, row * 3 : row * 3 + 3, column * 5 : column * 5 + 5], image)


def test_a_single_channel_map_can_be_repeated():
    assert TilePreview.execute(torch.rand(1, 4, 4), columns=2, rows=2).args[0].shape == (1, 8, 8, 1)


def test_more_pixels_than_can_be_shown_are_refused():
    with pytest.raises(InputError, match="16 x 1 copies are 16400 x 4 pixels"):
        TilePreview.execute(torch.rand(1, 4, 1025, 3), columns=16, rows=1)


def test_values_that_are_no_numbers_are_named():
    with pytest.raises(InputError, match="The image has 16 of 16 pixels that are not numbers"):
        TilePreview.execute(torch.full((1, 4, 4, 3), torch.nan), columns=2, rows=2)
