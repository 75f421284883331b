"""NaN, infinity and values outside 0..1 are found, counted, and repaired only where that is asked for."""

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.common.finite import check_finite, is_finite, outside_note


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_one_bad_value_is_enough(bad):
    image = torch.rand(2, 3, 5, 7)
    assert is_finite(image)
    image[1, 2, 4, 6] = bad
    assert not is_finite(image)
    with pytest.raises(InputError, match="The image has 1 of 70 pixels that are not numbers .*--fp32-vae"):
        check_finite(image, "The image")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_in_every_precision(dtype):
    image = torch.zeros(1, 1, 4, 4, dtype=dtype)
    assert is_finite(image)
    assert not is_finite(image / 0)


def test_whole_numbers_and_nothing_at_all_are_finite():
    assert is_finite(torch.ones(3, dtype=torch.uint8))
    assert is_finite(torch.ones(0, 3))


def test_whole_images_come_back_as_they_are():
    image = torch.rand(1, 3, 4, 4)
    found, notes = check_finite(image, "The image", repair=True)
    assert found is image
    assert notes == []


def test_a_repair_takes_the_mean_of_the_channel_of_the_same_image():
    image = torch.tensor([[[[0.2, 0.4, torch.nan]], [[1.0, torch.inf, 0.0]]]])
    found, notes = check_finite(image, "The image", repair=True)
    torch.testing.assert_close(found, torch.tensor([[[[0.2, 0.4, 0.3]], [[1.0, 0.5, 0.0]]]]))
    assert notes == ["The image: 2 of 3 pixels were not numbers; the mean of the others stands for them."]


def test_an_image_of_nothing_but_nan_is_told_as_what_a_vae_gives():
    with pytest.raises(InputError, match="has 16 of 16 pixels .* VAE that cannot decode in half precision"):
        check_finite(torch.full((1, 3, 4, 4), torch.nan), "The image")


def test_what_lies_outside_is_named():
    assert outside_note(torch.tensor([0.0, 1.0]), "The height") == []
    assert outside_note(torch.tensor([363.0, 1397.2]), "The height") == [
        "The height goes from 363 to 1397, beyond 0..1."
    ]
