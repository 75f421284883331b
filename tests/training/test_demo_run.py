"""What the stages of the demo model's training share: the stock of drawings, the clock, and the state to go on from."""

import pytest
import torch
from tilewright.training.demo import run
from tilewright.training.demo.pool import Drawing, Pool


def drawn(seed):
    return Drawing(torch.full((3, 16, 16), seed % 256, dtype=torch.uint8), (f"number {seed}",))


def test_a_full_pool_gives_up_its_oldest_drawings():
    pool = Pool(drawn, capacity=3)
    assert pool.renew(4) == [0, 1, 2, 0]
    assert [drawing.captions[0] for drawing in pool.drawings] == ["number 3", "number 1", "number 2"]


def test_the_clock_sets_the_learning_rate(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(run.time, "process_time", lambda: now[0] * torch.get_num_threads())
    clock = run.Clock(100)
    rates = []
    for now[0] in (0.0, 4.0, 52.0, 100.0):
        rates.append(clock.learning_rate(1.0))
    assert rates == pytest.approx([0.02, 1.0, 0.505, 0.01])


def test_a_run_ends_by_the_wall_however_far_it_has_come(monkeypatch):
    """Processor time and the wall's time are two clocks: the first sets the learning rate, either one ends the run."""
    processor, wall = [0.0], [1000.0]
    monkeypatch.setattr(run.time, "process_time", lambda: processor[0] * torch.get_num_threads())
    monkeypatch.setattr(run.time, "monotonic", lambda: wall[0])
    clock = run.Clock(100, limit=60)
    processor[0], wall[0] = 20.0, 1059.0
    assert clock.progress == pytest.approx(0.2) and not clock.stopped
    wall[0] = 1060.0
    assert clock.progress == pytest.approx(0.2) and clock.stopped
    processor[0] = 100.0
    assert run.Clock(100).stopped is False and clock.progress == pytest.approx(1)


def test_a_saved_state_goes_on_where_it_was(tmp_path):
    def fresh():
        network = torch.nn.Linear(2, 2)
        return (
            network,
            torch.optim.AdamW(network.parameters()),
            run.Average(network, 0.9),
            run.Clock(60),
            Pool(drawn, 4),
        )

    first, second = fresh(), fresh()
    first[0](torch.ones(1, 2)).sum().backward()
    first[1].step()
    first[4].renew(3)
    run.save_stage(tmp_path / "state.pt", *first, step=12)
    assert run.resume_stage(tmp_path / "state.pt", *second) == 12
    assert torch.equal(first[0].weight, second[0].weight)
    assert second[4].next_seed == 3
    assert run.resume_stage(tmp_path / "nothing.pt", *fresh()) == 0
