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


def orange(picture):
    """Rows and columns where the line of the loss on fixed noise runs."""
    red, _, blue = picture[0].unbind(-1)
    return (red - blue > 0.4).nonzero()


def test_the_measured_course_has_a_scale_of_its_own_on_which_a_small_fall_shows():
    losses = [0.1, 0.9] * 50
    fixed = [(0, 0.300), (50, 0.298), (100, 0.296)]
    line = orange(plot_losses(losses, "bricks", fixed=fixed))
    line = line[line[:, 0] > 80]  # below the legend
    starts, ends = line[line[:, 1] < 120][:, 0].float().mean(), line[line[:, 1] > 900][:, 0].float().mean()
    assert ends - starts > 150
    assert len(orange(plot_losses(losses, "bricks"))) == 0


def test_what_was_measured_beyond_the_saved_steps_is_left_out():
    cut = plot_losses([0.3] * 10, "bricks", fixed=[(0, 0.3), (10, 0.2)])
    beyond = plot_losses([0.3] * 10, "bricks", fixed=[(0, 0.3), (10, 0.2), (20, 0.25)])
    below_the_legend = slice(80, None)
    assert torch.equal(cut[:, below_the_legend], beyond[:, below_the_legend])
