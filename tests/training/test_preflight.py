"""What a run says of its images before the first step, and of its losses on the way."""

import pytest
from tilewright.training.preflight import Preflight, course_warnings


def test_a_set_without_faults_is_one_line():
    assert Preflight(24).lines() == ["24 images."]
    assert Preflight(22, held_out=2).lines() == ["22 images, 2 measured only."]


def test_each_thing_that_may_be_a_mistake_is_counted():
    lines = Preflight(
        9, left_out=3, not_finite=1, clipped=1, uncaptioned=9, cut=1, tokens=75, unmatched=2, unreadable_captions=1
    ).lines()
    assert lines == [
        "9 images.",
        "3 images left out, 1 of them for NaN or infinite values: see the log or Load Dataset's report.",
        "1 image with values outside 0 to 1, which are clipped.",
        "9 images without caption.",
        "1 caption cut: max_tokens of LoRA Objective is 75.",
        "2 caption files that belong to no image.",
        "1 caption file that cannot be read.",
    ]


def test_images_that_are_enlarged_are_counted():
    assert Preflight(9, enlarged=2, most_enlarged=2.56).lines() == [
        "9 images.",
        "2 images enlarged, the smallest 2.56 times: lower resolution, or use larger images.",
    ]


def measured(*losses):
    return [(50 * number, loss) for number, loss in enumerate(losses)]


FALLING = measured(0.5, 0.4, 0.3, 0.29, 0.28)


@pytest.mark.parametrize(
    "losses", [(), (0.5,), (0.5, 0.9), (0.3, 0.31, 0.31, 0.32), (0.5, 0.3, 0.4, 0.29, 0.35), (0.3, 0.5, 0.5, 0.31)]
)
def test_jitter_is_no_warning(losses):
    assert course_warnings(measured(*losses), measured(*losses)) == []


def test_a_loss_that_only_rises_asks_for_a_lower_rate():
    (warning,) = course_warnings(measured(0.3, 0.28, 0.4, 0.6, 0.9), measured(0.3, 0.3, 0.5, 0.7, 0.9))
    assert warning == "The loss on fixed noise has risen since step 50: lower learning_rate."


def test_a_loss_that_rises_from_the_start_counts_from_step_0():
    (warning,) = course_warnings(measured(0.3, 0.4, 0.6, 0.9), [])
    assert "since step 0" in warning


def test_a_validation_loss_that_turns_up_says_from_where():
    (warning,) = course_warnings(FALLING, measured(0.5, 0.4, 0.45, 0.46, 0.47))
    assert "since step 50" in warning and "checkpoint" in warning


def test_a_loss_that_doubles_at_once_is_told_at_once():
    (warning,) = course_warnings(measured(0.144, 0.951), [])  # a rate of 0.9 over 12 steps
    assert "lower learning_rate" in warning
    assert course_warnings(measured(0.144, 0.2), []) == course_warnings([], []) == []
