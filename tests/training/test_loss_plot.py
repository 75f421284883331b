import pytest
import torch
from tilewright.training.plot import plot_losses, smoothed


def test_a_constant_course_is_smoothed_to_itself():
    assert smoothed([0.5] * 40) == pytest.approx([0.5] * 40)


def test_smoothing_follows_a_step_without_overshooting():
    course = smoothed([1.0] * 50 + [0.0] * 50, span=10)
    assert course[49] == pytest.approx(1.0)
    assert all(earlier > later for earlier, later in zip(course[49:], course[50:], strict=False))
    assert 0 < course[-1] < 0.01


@pytest.mark.parametrize("losses", [[0.3], [0.0, 0.0], [0.2, 0.1, 1e6]])
def test_the_picture_is_an_image_of_the_host(losses):
    picture = plot_losses(losses, "bricks")
    assert picture.shape == (1, 540, 960, 3)
    assert picture.dtype == torch.float32
    assert 0 <= picture.min() < picture.max() <= 1
