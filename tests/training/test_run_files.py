import errno

import pytest
import torch
from tilewright.common.errors import InputError
from tilewright.common.files import write_json
from tilewright.training.checkpoint import save_tensors
from tilewright.training.config import SavingConfig
from tilewright.training.run_files import (
    RunFiles,
    check_asked_for,
    check_room,
    check_writable,
    checkpoints_of,
    claim_name,
    claim_run,
    files_of_run,
    states_of_run,
    told_if_disk_fails,
)
from tilewright.training.state import RunIdentity

mine = RunIdentity("mine", "models")


def leave_state(folder, lora, step, fingerprint="mine"):
    header = {"format": "tilewright-training-state-2", "fingerprint": fingerprint, "lora": lora, "step": str(step)}
    save_tensors(folder / "state.safetensors", {"weights.0": torch.zeros(1)}, header)


def test_a_new_run_takes_the_first_free_name(tmp_path):
    loras, runs = tmp_path / "loras", tmp_path / "training"
    save_tensors(loras / "brick.safetensors", {"a": torch.zeros(1)}, {})
    leave_state(runs / "brick_00002", "brick_00002.safetensors", 5, "another")
    files = files_of_run(loras, runs, "brick", mine, 100)
    assert files.lora == loras / "brick_00003.safetensors"
    assert files.state == runs / "brick_00003" / "state.safetensors"


def test_checkpoints_of_a_deleted_run_are_not_written_over_nor_counted(tmp_path):
    loras, runs = tmp_path / "loras", tmp_path / "training"
    left = RunFiles(loras / "brick.safetensors", runs / "brick").checkpoint(5)
    save_tensors(left, {"a": torch.ones(1)}, {})
    before = left.read_bytes()
    files = files_of_run(loras, runs, "brick", mine, 100)
    assert files.lora == loras / "brick_00002.safetensors" and not checkpoints_of(files.lora)
    for step in (5, 10, 15):
        files.save_checkpoint(step, {"a": torch.zeros(1)}, {}, keep_last=1)
    assert left.read_bytes() == before and list(checkpoints_of(files.lora)) == [15]


def test_the_name_of_a_run_through_sd_scripts_is_taken_before_it_has_a_lora(tmp_path):
    write_json(tmp_path / "training" / "brick" / "run.json", {})
    files = files_of_run(tmp_path / "loras", tmp_path / "training", "brick", None, 100)
    assert files.lora == tmp_path / "loras" / "brick_00002.safetensors"


def test_a_run_finds_its_own_files_again_unless_told_not_to(tmp_path):
    loras, runs = tmp_path / "loras", tmp_path / "training"
    leave_state(runs / "brick_00002", "brick_00002.safetensors", 5)
    assert files_of_run(loras, runs, "brick", mine, 100).lora == loras / "brick_00002.safetensors"
    assert files_of_run(loras, runs, "brick", None, 100).lora == loras / "brick.safetensors"
    assert files_of_run(loras, runs, "brick", mine, 4).lora == loras / "brick.safetensors"


def test_a_state_that_names_a_file_elsewhere_is_not_followed(tmp_path):
    leave_state(tmp_path / "training" / "brick", "../../elsewhere.safetensors", 5)
    files = files_of_run(tmp_path / "loras", tmp_path / "training", "brick", mine, 100)
    assert files.lora == tmp_path / "loras" / "brick_00002.safetensors"


def test_only_the_last_checkpoints_stay_and_other_files_are_left_alone(tmp_path):
    files = RunFiles(tmp_path / "brick.safetensors", tmp_path / "run")
    save_tensors(tmp_path / "brick-step00000000.safetensors", {"a": torch.zeros(1)}, {})
    for step in (1, 2, 3):
        files.save_checkpoint(step, {"a": torch.zeros(1)}, {}, keep_last=2)
    assert sorted(path.stem[-1] for path in tmp_path.glob("*.safetensors")) == ["0", "2", "3"]


def test_a_name_that_begins_with_anothers_is_another_run(tmp_path):
    loras, runs = tmp_path / "loras", tmp_path / "training"
    for stem in ("brick_wall", "brick_wall_00002", "brick_2"):
        leave_state(runs / stem, f"{stem}.safetensors", 5)
    files = files_of_run(loras, runs, "brick", RunIdentity("mine"), 100)
    assert (files.lora, files.folder) == (loras / "brick.safetensors", runs / "brick")
    assert files_of_run(loras, runs, "brick_wall", RunIdentity("mine"), 100).folder == runs / "brick_wall_00002"


def test_checkpoints_that_a_finished_run_did_not_leave_are_named(tmp_path):
    files = RunFiles(tmp_path / "brick.safetensors", tmp_path / "run")
    files.save_checkpoint(4, {"a": torch.zeros(1)}, {}, keep_last=0)
    check_asked_for(files, [4], SavingConfig(every_steps=4))
    check_asked_for(files, [2, 4], SavingConfig(every_steps=2, keep_last=1))
    with pytest.raises(InputError, match="without checkpoints after the steps 2, 6,"):
        check_asked_for(files, [2, 4, 6], SavingConfig(every_steps=2))


def test_a_folder_that_can_be_written_to_is_left_as_it_was(tmp_path):
    check_writable(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_file_where_a_folder_should_be_is_no_place_to_write(tmp_path):
    (tmp_path / "loras").write_text("")
    with pytest.raises(OSError):
        check_writable(tmp_path / "loras")


def test_a_disk_too_small_for_the_run_is_told_in_megabytes(tmp_path):
    files = RunFiles(tmp_path / "loras" / "brick.safetensors", tmp_path / "training" / "brick")
    for folder in (files.lora.parent, files.folder.parent):
        folder.mkdir()
    check_room(files, 1)
    with pytest.raises(InputError, match="this training writes 1099511627776 MB"):
        check_room(files, 2**60)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "could not be written: No space left.*goes on",
        ),
        (PermissionError(errno.EACCES, "Permission denied"), "cannot be written to. Allow ComfyUI"),
    ],
)
def test_a_disk_that_fails_is_told_with_what_to_do(tmp_path, error, told):
    with pytest.raises(InputError, match=told), told_if_disk_fails(tmp_path):
        raise error


def test_other_errors_of_the_system_stay_what_they_are(tmp_path):
    with pytest.raises(OSError, match="device"), told_if_disk_fails(tmp_path):
        raise OSError(errno.EIO, "device")


def test_a_run_that_is_being_trained_is_passed_over(tmp_path):
    loras, runs = tmp_path / "loras", tmp_path / "training"
    leave_state(runs / "brick", "brick.safetensors", 5)
    running = files_of_run(loras, runs, "brick", mine, 100)
    assert running.folder == runs / "brick" and claim_run(runs, "brick") is None
    other = files_of_run(loras, runs, "brick", mine, 100)
    assert other.folder == runs / "brick_00002"
    running.release(), other.release()
    assert files_of_run(loras, runs, "brick", mine, 100).folder == runs / "brick"


def test_a_name_is_claimed_once(tmp_path):
    taken, held = claim_name(tmp_path, "brick", lambda stem: True)
    free, own = claim_name(tmp_path, "brick", lambda stem: stem != "brick_00002")
    assert (taken, free) == ("brick", "brick_00003")
    held.release(), own.release()


def test_what_is_no_checkpoint_is_never_deleted_as_one(tmp_path):
    loras, runs = tmp_path / "loras", tmp_path / "training"
    leave_state(runs / "wall", "wall.safetensors", 5)
    loras.mkdir(exist_ok=True)
    for name in ("wall-stepbrothers", "wall-step00000004"):
        (loras / f"{name}.safetensors").touch()
    files = files_of_run(loras, runs, "wall", mine, 100)
    assert files.checkpoints == [loras / "wall-step00000004.safetensors"]
    files.release()


def test_the_checkpoints_of_a_run_are_its_own(tmp_path):
    for name in ("wall-step00000100", "wall-step00000020", "wall_2-step00000005", "wall-stepx0000005"):
        (tmp_path / f"{name}.safetensors").touch()
    kept = checkpoints_of(tmp_path / "wall.safetensors")
    assert {step: file.name for step, file in kept.items()} == {
        20: "wall-step00000020.safetensors",
        100: "wall-step00000100.safetensors",
    }


def test_the_states_of_a_name_are_those_of_its_numbers_too(tmp_path):
    for name in ("brick", "brick_00002", "brick_2", "brick_wall", "bric"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "state.safetensors").touch()
    assert sorted(path.parent.name for path in states_of_run(tmp_path, "brick")) == ["brick", "brick_00002"]
