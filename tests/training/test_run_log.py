"""The log of a run: what it says, while it grows, after a crash, and of a version that kept none."""

import json
import time

import pytest
from tilewright.training.run_controls import (
    ACTIONS,
    LOOK_EVERY,
    SAVE,
    STOP,
    RunControls,
    ask,
    go_on,
    mark_stopped,
    stopped_at,
)
from tilewright.training.run_log import LOG_NAME, MOST_LINES, RunLog, log_of_state, read_log
from tilewright.training.run_status import (
    BROKEN_OFF,
    CANCELLED,
    FINISHED,
    HEARTBEAT_NAME,
    SILENT_AFTER,
    STOPPED,
    TRAINING,
    UNKNOWN,
    Heartbeat,
    is_run,
    run_status,
)


def logged(folder, losses, begin=0, steps=10):
    log = RunLog(folder)
    log.begin(begin, steps, trainer="a test")
    for step in range(begin + 1, begin + len(losses) + 1):
        log.step(step, 0.001)
    log.losses(losses, begin)
    log.flush()
    return log


def test_a_step_is_a_line_with_loss_and_rate(tmp_path):
    logged(tmp_path, [0.5, 0.25])
    lines = [json.loads(line) for line in (tmp_path / LOG_NAME).read_text().splitlines()]
    assert lines[0]["event"] == "begun" and lines[0]["steps"] == 10
    assert [(line["step"], line["loss"], line["lr"]) for line in lines[1:]] == [(1, 0.5, 0.001), (2, 0.25, 0.001)]
    part = read_log(tmp_path)
    assert part.steps["loss"] == [0.5, 0.25] and part.begin == 0


def test_a_loss_that_a_gpu_still_holds_is_written_when_it_is_known(tmp_path):
    log = RunLog(tmp_path)
    log.begin(0, 5)
    log.step(1, None)
    log.losses([])
    log.step(2, None)
    log.losses([0.5, 0.4])
    log.flush()
    assert read_log(tmp_path).steps["step"] == [1, 2]


def test_the_second_look_gives_only_what_is_new(tmp_path):
    log = logged(tmp_path, [0.5])
    first = read_log(tmp_path)
    log.event("saved", 1, file="a.safetensors")
    second = read_log(tmp_path, first.end)
    assert second.begin == first.end and second.steps["step"] == []
    assert [event["event"] for event in second.events] == ["saved"]
    assert read_log(tmp_path, 10**9).begin == 0  # another file than the one that was looked at


def test_a_run_that_goes_on_forgets_what_its_state_did_not_have(tmp_path):
    logged(tmp_path, [0.5, 0.4, 0.3])
    before = read_log(tmp_path)
    logged(tmp_path, [0.35], begin=2)
    again = read_log(tmp_path, before.end)
    assert again.begin == 0  # it replaces what was read
    assert again.steps["loss"] == [0.5, 0.4, 0.35]


def test_another_log_of_the_same_place_is_read_from_its_beginning(tmp_path):
    logged(tmp_path, [0.5])
    before = read_log(tmp_path)
    time.sleep(0.02)
    logged(tmp_path, [0.9, 0.8, 0.7])
    again = read_log(tmp_path, before.end, before.key)
    assert again.begin == 0 and again.steps["loss"] == [0.9, 0.8, 0.7]


def test_half_a_line_of_a_killed_process_does_no_harm(tmp_path):
    logged(tmp_path, [0.5])
    with (tmp_path / LOG_NAME).open("a") as log:
        log.write('{"step":2,"lo')
    assert read_log(tmp_path).steps["step"] == [1]
    logged(tmp_path, [0.4], begin=1)
    assert read_log(tmp_path).steps["loss"] == [0.5, 0.4]


def test_a_new_run_in_the_same_folder_begins_a_new_log(tmp_path):
    logged(tmp_path, [0.5, 0.4])
    logged(tmp_path, [0.9])
    assert read_log(tmp_path).steps["loss"] == [0.9]


def test_since_a_step(tmp_path):
    log = logged(tmp_path, [0.5, 0.4, 0.3])
    log.event("saved", 2, file="a.safetensors")
    part = read_log(tmp_path).since(2)
    assert part.steps["step"] == [3] and [event["event"] for event in part.events] == ["begun"]
    assert read_log(tmp_path).since(3).steps == {"step": [], "loss": [], "lr": [], "time": []}


def test_a_run_of_a_million_steps_is_bounded(tmp_path):
    log = RunLog(tmp_path)
    log.begin(0, 10 * MOST_LINES)
    for step in range(1, 21):
        log.step(step, 0.1)
    log.losses([float(number) for number in range(20)])
    log.flush()
    assert read_log(tmp_path).steps["step"] == [10, 20]
    assert read_log(tmp_path).steps["loss"] == [4.5, 14.5]


def test_a_loss_that_is_no_number_is_no_broken_json(tmp_path):
    logged(tmp_path, [float("nan"), 0.5])
    assert read_log(tmp_path).steps["loss"] == [None, 0.5]


def test_a_full_disk_ends_the_log_and_not_the_training(tmp_path, caplog):
    log = logged(tmp_path, [0.5])
    log.file = tmp_path / "no folder" / "log.jsonl"
    log.event("saved", 1)
    log.event("saved", 2)
    assert [record.message for record in caplog.records if "The training goes on" in record.message].__len__() == 1


def test_what_is_asked_is_heard_once(tmp_path):
    controls = RunControls(tmp_path)
    ask(tmp_path, STOP)
    ask(tmp_path, SAVE)
    assert controls.asked() == {STOP, SAVE}
    time.sleep(LOOK_EVERY)
    assert controls.asked() == frozenset()
    with pytest.raises(ValueError, match="none of"):
        ask(tmp_path, "../state.safetensors")


def test_what_was_asked_of_an_earlier_run_is_not_heard(tmp_path):
    for action in ACTIONS:
        ask(tmp_path, action)
    assert RunControls(tmp_path).asked() == frozenset()


def test_a_stop_stays_until_it_is_taken_back(tmp_path):
    assert stopped_at(tmp_path) is None
    mark_stopped(tmp_path, 40)
    assert stopped_at(tmp_path) == 40
    go_on(tmp_path)
    assert stopped_at(tmp_path) is None


def state_of(folder, running=(), now=None):
    return run_status(folder, read_log(folder), running, now).state


def test_a_run_is_alive_as_long_as_its_heart_beats(tmp_path):
    logged(tmp_path, [0.5])
    assert state_of(tmp_path) == BROKEN_OFF  # no heartbeat: its process was killed
    with Heartbeat(tmp_path, prompt="p1"):
        later = time.time() + 2 * SILENT_AFTER
        assert state_of(tmp_path) == TRAINING
        assert state_of(tmp_path, now=later) == BROKEN_OFF
        assert state_of(tmp_path, {"p1"}, later) == TRAINING  # a long pause of a process that the queue knows
    assert not (tmp_path / HEARTBEAT_NAME).exists()


def test_an_ended_run_says_how(tmp_path):
    log = logged(tmp_path, [0.5, 0.4])
    log.event("ended", 2, how=FINISHED)
    status = run_status(tmp_path, read_log(tmp_path), ())
    assert (status.state, status.step, status.steps, status.trainer) == (FINISHED, 2, 10, "a test")
    log.event("ended", 2, how=STOPPED)
    mark_stopped(tmp_path, 2)
    assert state_of(tmp_path) == STOPPED
    go_on(tmp_path)
    assert state_of(tmp_path) == CANCELLED


def test_the_state_of_a_version_without_logs_tells_the_course(tmp_path):
    from safetensors.torch import save_file
    from torch import zeros

    facts = {"losses": [0.5, 0.4], "fixed": [[0, 0.3], [2, 0.2]], "validation": []}
    save_file({"a": zeros(1)}, tmp_path / "state.safetensors", {"facts": json.dumps(facts)})
    assert is_run(tmp_path)
    part = log_of_state(tmp_path)
    assert part.steps["loss"] == [0.5, 0.4] and [event["fixed"] for event in part.events] == [0.3, 0.2]
    assert run_status(tmp_path, part, ()).state == UNKNOWN
    logged(tmp_path, [0.3], begin=2)
    assert read_log(tmp_path).steps["loss"] == [0.5, 0.4, 0.3]


def test_a_folder_of_something_else_is_no_run(tmp_path):
    assert not is_run(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_log(tmp_path)
