"""What files of few bits hold: rounding, dither, and what half floats cannot."""

import cv2
import numpy as np
import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.material.combine_heights import detail_share
from tilewright.material.map_writers import check_half, png_bytes, with_rounding_noise


@pytest.mark.parametrize(("bits", "most"), [(8, 255), (16, 65535)])
def test_a_png_holds_the_nearest_whole_number(bits, most):
    image = torch.linspace(0, 1, 16).reshape(1, 4, 4)
    decoded = cv2.imdecode(np.frombuffer(png_bytes(image, bits), np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(decoded, np.round(image[0].numpy() * most))


def test_noise_leaves_the_mean_and_whole_steps_and_is_the_same_every_time():
    image = torch.full((1, 256, 256), 100.3 / 255)
    noisy = with_rounding_noise(image)
    assert torch.equal(noisy, with_rounding_noise(image))
    assert abs(float((noisy * 255).round().mean()) - 100.3) < 0.01
    whole = torch.full((1, 64, 64), 100 / 255)
    assert torch.equal((with_rounding_noise(whole) * 255).round(), torch.full((1, 64, 64), 100.0))


def test_half_floats_end_at_65504():
    check_half({"height": torch.tensor([65504.0, -65504.0])})
    with pytest.raises(InputError, match="height map reaches 7e\\+04"):
        check_half({"height": torch.tensor([70000.0])})


def test_the_higher_of_two_heights_shows_over_the_transition():
    base, detail = torch.zeros(1, 1, 1, 3), torch.tensor([-2.0, 0.0, 2.0])[None, None, None]
    assert detail_share(base, detail, None, "maximum", 2.0).flatten().tolist() == [0.0, 0.5, 1.0]
    assert detail_share(base, detail, None, "minimum", 2.0).flatten().tolist() == [1.0, 0.5, 0.0]
