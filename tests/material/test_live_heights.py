"""What the browser's Height to Normal gets: the height, and the smoothed one where there were steps."""

import torch
from tilewright.material.live_heights import live_height
from tilewright.material.viewed_maps import LARGEST


def test_only_the_height_where_nothing_was_smoothed():
    height = torch.rand(2, 1, 8, 12)
    files, facts = live_height(height, height)
    assert set(files) == {"height"} and facts["debanded"] and facts["pixels"] == [12, 8]
    assert facts["range"]["height"] == [float(height[0].amin()), float(height[0].amax())]  # of the first of the batch
    assert not live_height(height, None)[1]["debanded"]


def test_the_smoothed_height_lies_beside_with_a_range_of_its_own():
    height = torch.linspace(0, 1, 96).reshape(1, 1, 8, 12)
    files, facts = live_height(height, height * 0.5)
    assert set(files) == {"height", "smooth"} and facts["range"]["smooth"] == [0, 0.5]


def test_pixels_are_those_of_the_map_even_where_less_are_sent():
    assert live_height(torch.rand(1, 1, 4, 2 * LARGEST), None)[1]["pixels"] == [2 * LARGEST, 4]
