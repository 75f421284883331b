"""Tiles of an image enlarged one by one are what the network makes of the whole."""

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.upscale.offloading import main_memory
from tilewright.upscale.upscale_tiles import upscale_tiles
from torch.nn import functional as F

TORUS, FLAT = Axes(True, True), Axes(False, False)
KERNEL = torch.rand(3, 3, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
IMAGE = torch.rand(2, 3, 37, 50, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def blurred_and_doubled(image):
    """Looks 2 pixels far, and sees zeros beyond the edge."""
    return F.conv2d(image, KERNEL, padding=2).repeat_interleave(2, -1).repeat_interleave(2, -2)


@pytest.mark.parametrize("tile_size", [16, 24, 64])
def test_with_a_halo_that_is_wide_enough_the_tiles_are_the_whole(tile_size):
    done = []
    found = upscale_tiles(blurred_and_doubled, IMAGE, 2, tile_size, 2, FLAT, lambda: done.append(1))
    torch.testing.assert_close(found, blurred_and_doubled(IMAGE))
    assert len(done) == 2 * {16: 12, 24: 6, 64: 1}[tile_size]


def test_around_the_edge_the_halo_reads_the_other_side():
    wrapped = F.pad(IMAGE, (2,) * 4, mode="circular")
    expected = blurred_and_doubled(wrapped)[..., 4:-4, 4:-4]
    found = upscale_tiles(blurred_and_doubled, IMAGE, 2, 16, 2, TORUS, lambda: None)
    torch.testing.assert_close(found, expected)


def test_a_halo_that_is_too_narrow_shows():
    found = upscale_tiles(blurred_and_doubled, IMAGE, 2, 16, 0, FLAT, lambda: None)
    assert (found - blurred_and_doubled(IMAGE)).abs().max() > 0.1


def test_room_in_main_memory():
    room = main_memory((2, 3, 4), torch.float16)
    assert room.shape == (2, 3, 4) and room.dtype == torch.float16 and room.device.type == "cpu"
    assert not room.is_pinned()
