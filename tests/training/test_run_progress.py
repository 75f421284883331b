"""What a training outside the graph says of its course, for whoever looks after it."""

from tilewright.training.exported_run import PROGRESS_NAME, note_failure, read_progress, write_progress


def test_a_failure_is_added_to_what_was_said_before(tmp_path):
    assert read_progress(tmp_path) == {}
    write_progress(tmp_path, {"state": "training", "step": 3, "reason": ""})
    note_failure(tmp_path, "Process 1 was killed.")
    assert read_progress(tmp_path) == {"state": "failed", "step": 3, "reason": "Process 1 was killed."}


def test_what_is_no_progress_says_nothing(tmp_path):
    (tmp_path / PROGRESS_NAME).write_text("{", encoding="utf-8")
    assert read_progress(tmp_path) == {}
