"""The two numbers that a choice rests on: how plain a cell is, and how many copies may be chance."""

import pytest
import torch
from tilewright.evaluation.cells import Cell
from tilewright.evaluation.choice import allowed_copies, plainness
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


def test_a_cell_follows_where_the_whole_interval_is_above_0():
    cell = Cell("a.pt", 1.0)
    assert follows(scores(cell, score(0.5, 0.1)))
    assert not follows(scores(cell, score(0.05, 0.5)))
    assert not follows(scores(cell))
