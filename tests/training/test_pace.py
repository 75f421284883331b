"""The words on a run's pace."""

from tilewright.training.pace import pace


def test_the_pace_tells_the_time_that_is_left():
    assert pace(7322, 2.0) == ["2.00 it/s", "01:01:01 left"]
    assert pace(108_000, 1.0) == ["1.00 it/s", "30:00:00 left"]
