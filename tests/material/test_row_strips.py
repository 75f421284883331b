import torch
from tilewright.material.strips import ON_GPU, empty_image, lines_at_once, row_strips


def test_strips_cover_every_row_once():
    assert [(strip.start, strip.stop) for strip in row_strips(10, 4)] == [(0, 4), (4, 8), (8, 10)]
    assert list(row_strips(0, 4)) == []


def test_a_sample_takes_one_strip_of_so_many_at_places_that_differ():
    strips = [strip.start for strip in row_strips(400, 1, every=4)]
    assert len(strips) == 100
    assert {first % 4 for first in strips} == {0, 1, 2, 3}


def test_as_many_lines_as_have_the_pixels_and_one_at_least():
    image = torch.empty(2, 3, 50, 100)
    assert lines_at_once(image, 1000) == 5
    assert lines_at_once(image, 1000, dim=-2) == 10
    assert lines_at_once(image, 10) == 1
    assert lines_at_once(image.to("meta"), 1000) == 5 * ON_GPU


def test_memory_has_the_shape_and_type_that_are_asked_for():
    like = torch.empty(2, 1, 5, 7)
    assert empty_image(like, 3).shape == (2, 3, 5, 7)
    double = empty_image(like, 1, torch.float64, width=9)
    assert double.shape == (2, 1, 5, 9) and double.dtype == torch.float64
