"""How much of what a run wins on its training images it wins on held-out ones too."""

import pytest
import torch
from tilewright.training.measure import loss_transfer
from tilewright.training.plot import plot_losses

FIXED = [(0, 0.4), (50, 0.3), (100, 0.2)]


@pytest.mark.parametrize(
    ("validation", "share"),
    [
        ([(0, 0.2), (100, 0.1)], 1.0),
        ([(0, 0.2), (50, 0.1), (100, 0.18)], 0.2),
        ([(0, 0.2), (100, 0.25)], -0.5),
        ([(0, 0.2), (100, 0.2)], 0.0),
    ],
)
def test_it_is_the_share_won_on_the_one_over_that_on_the_other(validation, share):
    assert loss_transfer(validation, FIXED) == pytest.approx(share)


@pytest.mark.parametrize(
    ("validation", "fixed"),
    [([], FIXED), ([(0, 0.2)], FIXED), ([(0, 0.2), (50, 0.1)], [(0, 0.4), (50, 0.399)]), ([(0, 0.2), (50, 0.1)], [])],
)
def test_it_is_unknown_before_something_was_won(validation, fixed):
    assert loss_transfer(validation, fixed) is None


def test_it_stands_above_the_curves():
    losses, validation = [0.3] * 100, [(0, 0.2), (100, 0.18)]
    legend = slice(56, 78)
    told = plot_losses(losses, "bricks", validation, FIXED)[:, legend]
    unknown = plot_losses(losses, "bricks", validation, [(0, 0.4), (50, 0.4), (100, 0.399)])[:, legend]
    assert told.shape == unknown.shape and not torch.equal(told[:, :, :480], unknown[:, :, :480])
