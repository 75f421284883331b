"""What is taken over of what sd-scripts writes, and what of it stays."""

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from tilewright.sd_scripts.run_folder import Leg, RunFolder, run_folder


def save_weights(file, step):
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({"step": np.array([step])}, file)
    return file


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "run", tmp_path / "loras" / "brick.safetensors", {})


def held(run):
    return int(load_file(run.target)["step"][0])


def test_a_sample_is_taken_over_when_its_last_byte_is_written(run):
    folder = run.scripts / "sample"
    folder.mkdir(parents=True)
    Image.fromarray(np.zeros((8, 8, 3), dtype=np.uint8)).save(folder / "whole.png")
    written = (folder / "whole.png").read_bytes()
    (folder / "half.png").write_bytes(written[:-1])
    (folder / "begun.png").touch()
    run.take_over(Leg(), 4, False, False, 0)
    assert [file.name for file in run.samples()] == ["whole.png"]
    assert sorted(file.name for file in folder.iterdir()) == ["begun.png", "half.png"]


def test_the_samples_of_a_resumed_run_are_named_by_the_runs_own_steps(run):
    folder = run.scripts / "sample"
    folder.mkdir(parents=True)
    Image.fromarray(np.zeros((8, 8, 3), dtype=np.uint8)).save(folder / "brick_000003_00_20260101000000_5.png")
    run.take_over(Leg(start=4, end=8), 2, False, False, 0)
    assert [file.name for file in run.samples()] == ["brick_000007_00_20260101000000_5.png"]


def test_the_file_of_a_resumed_run_tells_the_steps_of_the_whole(run):
    told = {"ss_steps": "4", "ss_max_train_steps": "4", "ss_epoch": "2", "ss_num_epochs": "2", "ss_network_dim": "16 ü"}
    file = run.scripts / run.target.name
    file.parent.mkdir(parents=True)
    save_file({"step": np.array([8])}, file, metadata=told)
    run.facts["steps_per_epoch"] = 2
    assert run.take_end(Leg(start=4, end=8), 8)
    with safe_open(run.target, "np") as weights:
        assert weights.metadata() == told | {
            "ss_steps": "8", "ss_max_train_steps": "8", "ss_epoch": "4", "ss_num_epochs": "4"
        }  # fmt: skip
    assert held(run) == 8


def found(tmp_path, name, fingerprint="f"):
    return run_folder(tmp_path / "training", tmp_path / "loras", name, ".safetensors", fingerprint, lambda run: True)


def test_a_run_is_found_by_its_whole_name(tmp_path):
    for name in ("brick", "brick_wall", "brick_00002x", "bricks"):
        found(tmp_path, name).remember()
    assert found(tmp_path, "brick").folder.name == "brick"
    (tmp_path / "training" / "brick" / "run.json").unlink()
    assert found(tmp_path, "brick").folder.name == "brick_00002"
    found(tmp_path, "brick", "another").remember()
    assert found(tmp_path, "brick", "another").folder.name == "brick_00002"


def test_checkpoints_of_a_deleted_run_are_not_written_over_nor_counted(tmp_path):
    left = save_weights(tmp_path / "loras" / "brick-step00000004.safetensors", 4)
    run = found(tmp_path, "brick")
    assert run.folder.name == "brick_00002" and run.saved == {}
    assert left.is_file()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff", b"null", b"[" * 100_000])
def test_a_run_that_cannot_be_read_stops_no_other(tmp_path, content):
    broken = tmp_path / "training" / "brick" / "run.json"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(content)
    assert found(tmp_path, "brick").folder.name == "brick_00002"
    assert broken.read_bytes() == content


def test_a_stopped_run_holds_what_was_saved_last(run):
    run.saved = {step: save_weights(run.target.with_stem(f"brick-{step}"), step) for step in (2, 4)}
    assert run.fall_back() == held(run) == 4


def test_a_finished_file_is_not_set_back_to_an_earlier_step(run):
    save_weights(run.scripts / run.target.name, 6)
    assert run.take_end(Leg(), 6)
    run.saved = {4: save_weights(run.target.with_stem("brick-4"), 4)}
    assert run.fall_back() == held(run) == 6
    run.saved = {}
    assert run.fall_back() == held(run) == 6


def test_a_finished_file_that_is_taken_further_is_no_longer_the_finished_one(run):
    save_weights(run.scripts / run.target.name, 6)
    assert run.take_end(Leg(), 6)
    run.remember(finished={"steps": 6})
    run.saved = {8: save_weights(run.target.with_stem("brick-8"), 8)}
    assert run.fall_back() == held(run) == 8
    assert "finished" not in run.facts
