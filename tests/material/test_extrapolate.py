"""What lies beyond the border: the other side where it wraps, a parabola where not."""

import pytest
import torch
from tilewright.common.axes import Axes
from tilewright.material.extrapolate import extend, parabola, strip_around

X = torch.arange(8.0)


def test_a_parabola_goes_on_as_itself_and_a_constant_stays_exactly():
    curve = (X - 3) ** 2
    assert torch.equal(parabola(curve[None, None], 2)[0, 0], torch.tensor([25.0, 16.0]))
    third = torch.full((1, 1, 5), 1 / 3)
    assert torch.equal(parabola(third, 4), third[..., :1].expand(1, 1, 4))


def test_a_plane_is_continued_on_all_sides():
    plane = 2 * X[:, None] + 3 * X[None]
    wide = torch.arange(-2.0, 10.0)
    assert torch.allclose(extend(plane, 2, Axes(False, False)), 2 * wide[:, None] + 3 * wide[None])


@pytest.mark.parametrize("pad", [3, 11])  # also further than the image is wide
def test_along_wrapping_axes_the_other_side_follows(pad):
    image = torch.rand(1, 1, 8, 8)
    around = torch.arange(-pad, 8 + pad) % 8
    assert torch.equal(extend(image, pad, Axes(True, True)), image[..., around, :][..., around])


@pytest.mark.parametrize("axes", [Axes(True, True), Axes(True, False), Axes(False, True), Axes(False, False)])
def test_a_strip_is_that_part_of_the_whole(axes):
    image = torch.rand(2, 1, 12, 8)
    whole = extend(image, 2, axes)
    for first, last in [(0, 5), (4, 9), (7, 12)]:
        assert torch.equal(strip_around(image, slice(first, last), 2, axes), whole[..., first : last + 4, :])
