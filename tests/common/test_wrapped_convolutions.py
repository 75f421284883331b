"""Convolutions that pad with the opposite side, and networks put back as they were."""

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.common.errors import InputError
from tilewright.common.wrapped_convolutions import (
    WrappedConvolution,
    plain_convolutions,
    replaced,
    wrap_in_place,
    wrapped_convolutions,
)

TORUS = Axes(True, True)


def summing():
    """A network of one convolution that adds up each pixel and its left and right neighbours."""
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 1, (1, 3), padding=(0, 1), bias=False))
    torch.nn.init.ones_(network[0].weight)
    return network


@torch.no_grad()
def run(network):
    return network(torch.tensor([[[[1.0, 2.0, 4.0]]]])).flatten().tolist()


def test_the_left_neighbour_of_the_first_pixel_is_the_last():
    network = summing()
    assert run(network) == [3, 7, 6]
    with replaced(network, wrapped_convolutions(network, TORUS, "The model")):
        assert run(network) == [7, 7, 7]
    assert run(network) == [3, 7, 6]


def test_inside_a_wrapped_network_the_plain_ones_can_come_back():
    network = summing()
    wrapped = wrapped_convolutions(network, TORUS, "The model")
    with replaced(network, wrapped), replaced(network, plain_convolutions(network, wrapped)):
        assert run(network) == [3, 7, 6]


def test_wrapped_for_good():
    network = summing()
    wrap_in_place(network, TORUS, "The model")
    assert run(network) == [7, 7, 7]
    with pytest.raises(InputError, match="The model cannot be made seamless"):
        wrap_in_place(torch.nn.Linear(1, 1), TORUS, "The model")


def test_a_column_of_zeros_that_the_network_laid_outside_becomes_the_first_column():
    conv = WrappedConvolution(TORUS, (0, 1, 0, 0), "zeros", (1, 1), (1, 1), 1, padded_outside=True)
    image, weight = torch.tensor([[[[1.0, 2.0, 4.0, 0.0]]]]), torch.ones(1, 1, 1, 2)
    assert conv(image, weight, None).flatten().tolist() == [3, 6, 5]
