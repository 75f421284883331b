import pytest
import torch
from tilewright.common.axes import Axes, wrap_pad, wrapped, wrapped_indices

BOTH, NONE = Axes(True, True), Axes(False, False)


def test_axes_are_told_by_their_names():
    assert [Axes.parse(name) for name in ("both", "x", "y", "none")] == [
        BOTH,
        Axes(True, False),
        Axes(False, True),
        NONE,
    ]


def test_a_wrapped_pad_shows_the_other_side():
    row = torch.arange(4.0).view(1, 4)
    assert wrap_pad(row, (1, 2, 0, 0), BOTH).tolist() == [[3, 0, 1, 2, 3, 0, 1]]


def test_a_wrapped_pad_may_be_wider_than_the_image():
    row = torch.arange(2.0).view(1, 2)
    assert wrap_pad(row, (3, 3, 0, 0), BOTH).tolist() == [[1, 0, 1, 0, 1, 0, 1, 0]]


@pytest.mark.parametrize(("edge", "expected"), [("replicate", [1, 1, 2, 2]), ("zeros", [0, 1, 2, 0])])
def test_outside_an_axis_that_does_not_wrap_lies_the_edge(edge, expected):
    assert wrap_pad(torch.tensor([[1.0, 2.0]]), (1, 1, 0, 0), NONE, edge).tolist() == [expected]


def test_cells_beyond_the_ends_are_those_of_the_other_side():
    assert wrapped(torch.arange(5.0), -2, 7, 0).tolist() == [3, 4, 0, 1, 2, 3, 4, 0, 1]
    assert wrapped_indices(4, 7, 5).tolist() == [4, 0, 1]
