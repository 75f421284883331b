import numpy as np
import pytest
import torch
from PIL import Image
from tilewright.common.axes import Axes
from tilewright.common.resample import INSIDE, resize

BOTH, NONE = Axes(True, True), Axes(False, False)


@pytest.mark.parametrize("size", [(40, 56), (16, 8), (20, 28)])
def test_without_wrap_it_is_pillows_bicubic(size):
    image = torch.rand(20, 28)
    expected = Image.fromarray(image.numpy()).resize(size[::-1], Image.Resampling.BICUBIC)
    torch.testing.assert_close(
        resize(image, *size, NONE, INSIDE), torch.from_numpy(np.array(expected)), atol=1e-5, rtol=0
    )


def test_a_flat_image_stays_flat_at_a_repeated_border():
    torch.testing.assert_close(resize(torch.full((3, 9, 7), 0.3), 20, 3, NONE), torch.full((3, 20, 3), 0.3))


@pytest.mark.parametrize("side", [16, 32, 128])
def test_it_commutes_with_a_roll_where_it_wraps(side):
    image = torch.rand(1, 64, 64)
    rolled = resize(image.roll((32, 16), (-2, -1)), side, side, BOTH)
    torch.testing.assert_close(rolled, resize(image, side, side, BOTH).roll((side // 2, side // 4), (-2, -1)))


def test_one_pixel_more_needs_no_second_copy_of_the_image():
    """A ratio of 4095 to 4096 once padded the image to nine times its area."""
    angle = torch.arange(4095, dtype=torch.float64) * (2 * torch.pi / 4095)
    wave = resize(angle.cos().expand(1, 4095), 1, 4096, BOTH)[0]
    centres = ((torch.arange(4096, dtype=torch.float64) + 0.5) * 4095 / 4096 - 0.5) * (2 * torch.pi / 4095)
    torch.testing.assert_close(wave, centres.cos(), atol=1e-8, rtol=0)


def test_no_resize_is_no_change():
    image = torch.rand(3, 5, 6)
    assert torch.equal(resize(image, 5, 6, BOTH), image)
