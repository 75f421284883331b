"""The picture that a node shows of its run, and the words on its pace."""

import numpy as np
import torch
from tilewright.training.live_picture import pace, preview

CHART = torch.full((1, 10, 60, 3), 0.2)


def test_without_samples_the_chart_is_all():
    kind, image, _ = preview(CHART, [])
    assert kind == "JPEG" and image.size == (60, 10)
    assert (np.asarray(image) == 51).all()


def test_samples_of_any_size_stand_side_by_side_below_the_chart():
    square, tall = torch.ones(3, 5, 5), torch.full((3, 40, 20), 0.6)
    image = np.asarray(preview(CHART, [square, tall])[1])
    assert image.shape == (10 + 60, 60, 3)  # each 30 wide, the taller one 60 high
    assert (image[10:40, :30] == 255).all() and (image[40:, :30] == 0).all()
    assert (image[10:, 30:] == 153).all()


def test_the_pace_tells_the_time_that_is_left():
    assert pace(7322, 2.0) == ["2.00 it/s", "01:01:01 left"]
    assert pace(108_000, 1.0) == ["1.00 it/s", "30:00:00 left"]
