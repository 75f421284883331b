"""The two numbers that a choice rests on: how plain a cell is, and how many copies may be chance."""

import pytest
import torch
from tilewright.evaluation.cells import Cell
from tilewright.evaluation.choice import allowed_copies, choose, plainness
from tilewright.evaluation.copies import Calibration
from tilewright.evaluation.scores import CellScores, Score, follows


def score(value, spread=0.0, observations=12):
    return Score(value, value + spread * torch.linspace(-1, 1, 2001, dtype=torch.float64), observations)


def scores(cell, following=None):
    one = score(1.0)
    return CellScores(cell, 12, one, following, score(0.0), one, one, one, one)


def test_the_plainest_is_the_earliest_and_of_its_weights_the_one_nearest_1():
    cells = [Cell("b.pt", 1.0), Cell("a.pt", 0.4, 50), Cell("a.pt", 1.2, 50), Cell("a.pt", 1.0, 600)]
    ordered = sorted(map(scores, cells), key=plainness)
    assert [one.cell for one in ordered] == [cells[2], cells[1], cells[3], cells[0]]
    assert plainness(scores(cells[1])) == (50, 0.6, "a.pt")


def test_copies_by_chance_are_the_expected_share_and_two_standard_errors():
    """99 innocent comparisons: one in a hundred. Of 100 pictures its error is sqrt(0.01 * 0.99 / 100)."""
    calibration = Calibration(0.5, 99)
    assert calibration.expected == 0.01
    assert allowed_copies(calibration, 100) == pytest.approx(0.01 + 2 * (0.01 * 0.99 / 100) ** 0.5)
    assert allowed_copies(calibration, 4) == pytest.approx(0.01 + 2 * (0.125 * 0.875 / 4) ** 0.5)


def test_what_lies_far_above_all_innocent_correlations_is_rarer_than_the_next_highest():
    """Ten of mean 0.2 and deviation 0.02: 0.4 is 9.5 deviations of a prediction away: by t, 3 in a million."""
    peaks = [0.2 + 0.02 * (0.9**0.5) * sign for sign in (1, -1)] * 5
    calibration = Calibration.of(peaks)
    assert (calibration.threshold, calibration.innocent) == (0.4, 10)
    assert calibration.expected == pytest.approx(2.7e-6, rel=0.1)
    assert Calibration.of([0.2, 0.3, 0.6]).expected == 1 / 4


def test_without_other_renders_only_the_same_picture_is_a_copy():
    calibration = Calibration.of([])
    assert (calibration.threshold, calibration.expected) == (0.95, 0)
    assert "no other renders" in str(calibration)


def test_cells_that_are_equally_good_share_the_draws():
    cells = [scores(Cell("a.pt", weight)) for weight in (0.4, 1.0)]
    choice = choose(cells, scores(Cell("", 0.0)), Calibration(0.5, 99), 1.0)
    assert choice.chances.tolist() == [0.5, 0.5] and choice.chosen == 1


def test_a_cell_follows_where_the_whole_interval_is_above_0():
    cell = Cell("a.pt", 1.0)
    assert follows(scores(cell, score(0.5, 0.1)))
    assert not follows(scores(cell, score(0.05, 0.5)))
    assert not follows(scores(cell))
