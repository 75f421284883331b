import pytest
import torch
from tilewright.evaluation.loss_transfer import transfer_of_losses


def losses(count, level, seed):
    return level + 0.01 * torch.randn(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_what_is_won_alike_transfers_whole():
    base, trained = losses(16, 0.3, 0), losses(16, 0.2, 0)
    transfer = transfer_of_losses(base, trained, losses(8, 0.3, 2), losses(8, 0.2, 2))
    assert transfer.share == pytest.approx(1)
    assert transfer.gain == pytest.approx(1 / 3, rel=0.05)


def test_learning_by_heart_transfers_little_and_harm_is_below_0():
    base, held_out = losses(16, 0.3, 0), losses(8, 0.3, 2)
    by_heart = transfer_of_losses(base, losses(16, 0.1, 0), held_out, losses(8, 0.28, 2))
    harmful = transfer_of_losses(base, losses(16, 0.05, 0), held_out, losses(8, 0.4, 2))
    assert by_heart.share == pytest.approx(0.1)
    assert harmful.share == pytest.approx(-0.4)
    low, high = transfer_of_losses(base, losses(16, 0.1, 5), held_out, losses(8, 0.28, 6)).interval
    assert low < 0.1 < high


def test_a_lora_that_learnt_nothing_has_nothing_to_pass_on():
    base = losses(16, 0.3, 0)
    assert transfer_of_losses(base, base, losses(8, 0.3, 2), losses(8, 0.2, 2)).share != 0.0
    assert torch.tensor(transfer_of_losses(base, base, losses(8, 0.3, 2), losses(8, 0.2, 2)).share).isnan()
