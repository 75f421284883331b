import torch
from tilewright.common.srgb import linear_from_srgb, srgb_from_linear


def test_linear_light_of_srgb_is_that_of_the_standard():
    srgb = torch.tensor([0.0, 0.04045, 0.5, 1.0])
    torch.testing.assert_close(linear_from_srgb(srgb), torch.tensor([0, 0.0031308, 0.2140411, 1.0]))


def test_the_way_back_is_exact_and_keeps_light_above_white():
    linear = torch.tensor([0.0, 0.001, 0.18, 1.0, 4.0])
    torch.testing.assert_close(linear_from_srgb(srgb_from_linear(linear)), linear)
    assert round(float(srgb_from_linear(torch.tensor(0.18))) * 255) == 118
