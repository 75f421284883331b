"""A run that a person, or a script, steers while it trains, by files beside its state."""

import json
import threading
import time

import pytest
from safetensors import safe_open
from tilewright.common.errors import InputError
from tilewright.nodes.training import TrainLora
from tilewright.training.config import SavingConfig
from tilewright.training.run_controls import SAMPLE, SAVE, STOP, ask, go_on, stopped_at
from tilewright.training.run_log import read_log
from tilewright.training.run_status import CANCELLED, FINISHED, STOPPED, run_status
from tilewright.training.sample_files import sample_files

pytestmark = pytest.mark.slow

pytest_plugins = ["small_runs"]

STEPS = 60


def steered(runs, *actions, **changes):
    """The run, of which these actions are asked as soon as it has made two steps."""
    folder = runs.state.parent

    def steer():
        for _ in range(600):
            time.sleep(0.05)
            if (folder / "heartbeat.json").exists() and len(read_log(folder).steps["step"]) >= 2:
                return [ask(folder, action) for action in actions]

    thread = threading.Thread(target=steer)
    thread.start()
    trained = runs.train(steps=STEPS, batch_size=1, **changes)
    thread.join()
    return trained


def steps_of(file):
    with safe_open(file, "pt") as lora:
        return int(lora.metadata()["ss_steps"])


def status(runs):
    return run_status(runs.state.parent, read_log(runs.state.parent), ())


def kinds(runs):
    return [event["event"] for event in read_log(runs.state.parent).events]


def test_a_run_that_is_stopped_hands_on_what_it_has_and_stays_so(runs):
    trained = steered(runs, STOP)
    made = steps_of(trained.path)
    assert 2 <= made < STEPS and trained.lora  # the nodes behind it run
    assert status(runs).state == STOPPED and stopped_at(runs.state.parent) == made
    assert runs.train(steps=STEPS, batch_size=1).path == trained.path
    assert steps_of(trained.path) == made  # queued again, it trains nothing

    go_on(runs.state.parent)
    assert status(runs).state == CANCELLED
    runs.train(steps=STEPS, batch_size=1)
    assert steps_of(trained.path) == STEPS and status(runs).state == FINISHED
    assert read_log(runs.state.parent).steps["step"] == list(range(1, STEPS + 1))


def test_the_node_runs_again_where_a_stop_was_taken_back(runs):
    steered(runs, STOP)
    before = TrainLora.fingerprint_inputs(name="stripes")
    assert TrainLora.fingerprint_inputs(name="stripes") == before
    go_on(runs.state.parent)
    assert TrainLora.fingerprint_inputs(name="stripes") != before


def test_save_now_and_sample_now(runs):
    trained = steered(runs, SAVE, SAMPLE)
    (kept,) = trained.checkpoints.splitlines()
    step = steps_of(kept)
    assert 2 <= step < STEPS and kept.endswith(f"stripes-step{step:08}.safetensors")
    assert [one.step for one in sample_files(runs.state.parent)] == [step]  # of the first image's caption
    assert kinds(runs)[0] == "begun" and kinds(runs)[-1] == "ended"
    assert {"saved", "sampled", "measured"} <= set(kinds(runs))


def test_the_log_has_every_step_with_its_rate(runs):
    runs.train()
    part = read_log(runs.state.parent)
    assert part.steps["step"] == [1, 2, 3] and part.steps["lr"] == [0.001] * 3
    with safe_open(runs.state, "pt") as state:
        losses = json.loads(state.metadata()["facts"])["losses"]
    assert part.steps["loss"] == pytest.approx(losses, rel=1e-5)
    assert [event["step"] for event in part.events if event["event"] == "measured"] == [0, 3]


def test_the_checkpoint_that_was_chosen_is_handed_on(runs):
    saving = SavingConfig(every_steps=1)
    last = runs.train(saving=saving)
    chosen = runs.train(saving=saving, checkpoint=2)
    assert chosen.path == str(runs.loras / "stripes-step00000002.safetensors") == last.checkpoints.splitlines()[1]
    name = next(name for name in last.lora if name.endswith("lora_up.weight"))
    assert not chosen.lora[name].equal(last.lora[name])
    assert runs.train(saving=saving, checkpoint=3).path == last.path


def test_a_checkpoint_that_is_not_there_is_told_before_the_training(runs):
    with pytest.raises(InputError, match="checkpoint is 2, but stripes has no LoRA of that step.*kept none"):
        runs.train(checkpoint=2)
    assert not runs.state.exists()
