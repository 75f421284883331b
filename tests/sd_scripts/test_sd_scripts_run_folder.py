"""What is taken over of what sd-scripts writes, and what of it stays."""

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file
from tilewright.sd_scripts.run_folder import RunFolder


def save_weights(file, step):
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({"step": np.array([step])}, file)
    return file


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "run", tmp_path / "loras" / "brick.safetensors", {})


def held(run):
    return int(load_file(run.target)["step"][0])


def test_a_sample_counts_when_its_last_byte_is_written(run):
    folder = run.scripts / "sample"
    folder.mkdir(parents=True)
    Image.fromarray(np.zeros((8, 8, 3), dtype=np.uint8)).save(folder / "whole.png")
    written = (folder / "whole.png").read_bytes()
    (folder / "half.png").write_bytes(written[:-1])
    (folder / "begun.png").touch()
    assert [file.name for file in run.samples()] == ["whole.png"]


def test_a_stopped_run_holds_what_was_saved_last(run):
    run.saved = {step: save_weights(run.target.with_stem(f"brick-{step}"), step) for step in (2, 4)}
    assert run.fall_back() == held(run) == 4


def test_a_finished_file_is_not_set_back_to_an_earlier_step(run):
    save_weights(run.scripts / run.target.name, 6)
    assert run.take_end(6)
    run.saved = {4: save_weights(run.target.with_stem("brick-4"), 4)}
    assert run.fall_back() == held(run) == 6
    run.saved = {}
    assert run.fall_back() == held(run) == 6


def test_a_finished_file_that_is_taken_further_is_no_longer_the_finished_one(run):
    save_weights(run.scripts / run.target.name, 6)
    assert run.take_end(6)
    run.remember(finished={"steps": 6})
    run.saved = {8: save_weights(run.target.with_stem("brick-8"), 8)}
    assert run.fall_back() == held(run) == 8
    assert "finished" not in run.facts
