"""Channels last, as ComfyUI has them, and channels first, as torch wants them."""

import torch
from tilewright.common.layout import grey_to_rgb, to_bchw, to_bhwc


def test_there_and_back():
    image = torch.rand(2, 4, 5, 3)
    assert to_bchw(image).shape == (2, 3, 4, 5)
    assert torch.equal(to_bhwc(to_bchw(image)), image)


def test_one_channel_without_an_axis_of_its_own():
    assert to_bchw(torch.zeros(2, 4, 5)).shape == (2, 1, 4, 5)


def test_grey_as_three_equal_channels():
    assert grey_to_rgb(torch.tensor([[[[0.25]]]])).flatten().tolist() == [0.25] * 3
