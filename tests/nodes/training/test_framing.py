import pytest
import torch
from tilewright.nodes.training.framing import frame_square, resample


def test_an_image_of_the_right_size_is_untouched():
    image = torch.rand(3, 64, 64)
    framed, _ = frame_square(image, 64, tileable=True)
    assert torch.equal(framed, image)


def test_the_centre_of_a_long_image_is_kept_and_tiles_no_more():
    image = torch.zeros(1, 32, 96)
    image[..., 32:64] = 1
    framed, tiles = frame_square(image, 32, tileable=True)
    assert framed.min() == 1
    assert not tiles


@pytest.mark.parametrize("side", [32, 48, 96])
def test_resampling_a_torus_knows_no_edge(side):
    image = torch.rand(3, 64, 64)
    shifted = resample(image.roll((32, 16), (-2, -1)), side, wraps=True)
    expected = resample(image, side, wraps=True).roll((side // 2, side // 4), (-2, -1))
    torch.testing.assert_close(shifted, expected, atol=1e-6, rtol=0)


def test_an_uneven_ratio_keeps_a_periodic_wave_periodic():
    angle = torch.arange(100) * (2 * torch.pi / 100)
    image = (0.5 + 0.4 * angle.cos()).expand(1, 100, 100)
    wave = resample(image, 64, wraps=True)[0, 0]
    centres = ((torch.arange(64) + 0.5) * 100 / 64 - 0.5) * (2 * torch.pi / 100)
    torch.testing.assert_close(wave, 0.5 + 0.4 * centres.cos(), atol=2e-3, rtol=0)
