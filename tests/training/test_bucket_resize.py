import pytest
import torch
from tilewright.training.bucket_resize import frame


def test_an_image_of_the_right_size_is_untouched():
    image = torch.rand(3, 64, 64)
    assert torch.equal(frame(image, (64, 64), tileable=True), image)


def test_the_centre_of_a_long_image_is_kept():
    image = torch.zeros(1, 32, 96)
    image[..., 32:64] = 1
    assert frame(image, (32, 32), tileable=False).min() == 1


@pytest.mark.parametrize("side", [32, 48, 96])
def test_resampling_a_torus_knows_no_edge(side):
    image = torch.rand(3, 64, 64)
    shifted = frame(image.roll((32, 16), (-2, -1)), (side, side), tileable=True)
    expected = frame(image, (side, side), tileable=True).roll((side // 2, side // 4), (-2, -1))
    torch.testing.assert_close(shifted, expected, atol=1e-6, rtol=0)


def test_an_uneven_ratio_keeps_a_periodic_wave_periodic():
    angle = torch.arange(100) * (2 * torch.pi / 100)
    image = (0.5 + 0.4 * angle.cos()).expand(1, 100, 100)
    wave = frame(image, (64, 64), tileable=True)[0, 0]
    centres = ((torch.arange(64) + 0.5) * 100 / 64 - 0.5) * (2 * torch.pi / 100)
    torch.testing.assert_close(wave, 0.5 + 0.4 * centres.cos(), atol=2e-3, rtol=0)
