"""Channels last, as ComfyUI has them, and channels first, as torch wants them."""

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.common.layout import grey_to_rgb, to_bchw, to_bhwc


def test_there_and_back():
    image = torch.rand(2, 4, 5, 3)
    assert to_bchw(image).shape == (2, 3, 4, 5)
    assert torch.equal(to_bhwc(to_bchw(image)), image)


def test_one_channel_without_an_axis_of_its_own():
    assert to_bchw(torch.zeros(2, 4, 5)).shape == (2, 1, 4, 5)


def test_grey_as_three_equal_channels():
    assert grey_to_rgb(torch.tensor([[[[0.25]]]])).flatten().tolist() == [0.25] * 3


@pytest.mark.parametrize(
    ("given", "shape"),
    [
        (torch.zeros(6, 7, 3), (1, 3, 6, 7)),
        (torch.zeros(6, 7), (1, 1, 6, 7)),
        (torch.zeros(2, 1, 6, 7), (2, 1, 6, 7)),
        (torch.zeros(1, 6, 7, 3).half(), (1, 3, 6, 7)),
        (torch.zeros(1, 6, 7, 3, dtype=torch.bool), (1, 3, 6, 7)),
        (torch.zeros(1, 6, 7, 3, requires_grad=True), (1, 3, 6, 7)),
    ],
)
def test_what_other_nodes_hand_on_is_understood(given, shape):
    batch = to_bchw(given)
    assert batch.shape == shape and batch.dtype == torch.float32 and not batch.requires_grad


def test_bytes_become_parts_of_one():
    assert to_bchw(torch.tensor([[[[0, 51, 255]]]], dtype=torch.uint8)).flatten().tolist() == pytest.approx([0, 0.2, 1])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (None, "The mask is empty"),
        ([torch.zeros(4, 5, 3)], "The mask is a list of images"),
        (torch.zeros(0, 4, 5, 3), "The mask is an empty batch"),
        (torch.zeros(1, 9, 4, 5, 3), "1 x 9 x 4 x 5 x 3, which is no batch"),
        (torch.zeros(1, 6, 7, 16), "1 x 6 x 7 x 16, which is no batch"),
        (torch.zeros(5), "The mask has the shape 5, which is no batch"),
    ],
)
def test_what_is_no_batch_of_images_is_told_by_the_name_of_its_input(given, told):
    with pytest.raises(InputError, match=told):
        to_bchw(given, "The mask")
