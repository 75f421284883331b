"""Nothing is ever lost: runs that are cancelled, diverge, or run out of memory or disk, and those that go on later."""

import errno
import re
import sys
from types import SimpleNamespace

import comfy.model_management
import comfy.utils
import pytest
import torch
from small_runs import metadata, same
from tilewright.common import files as common_files
from tilewright.common.errors import InputError
from tilewright.training import run_files
from tilewright.training.config import OptimizerConfig, SavingConfig

pytestmark = pytest.mark.slow

pytest_plugins = ["small_runs"]


def cancel_after(steps, monkeypatch):
    def update(self, value, total=None, preview=None):
        if value == steps:
            comfy.model_management.interrupt_current_processing()

    monkeypatch.setattr(comfy.utils.ProgressBar, "update_absolute", update)


def test_a_cancelled_run_leaves_a_lora_and_goes_on_when_queued_again(runs, monkeypatch):
    whole = runs.train(steps=4, name="whole").lora
    with monkeypatch.context() as patches, pytest.raises(comfy.model_management.InterruptProcessingException):
        cancel_after(2, patches)
        runs.train(steps=4)
    assert metadata(runs.loras / "stripes.safetensors")["ss_steps"] == "2"
    assert same(runs.train(steps=4).lora, whole)


def test_a_run_whose_models_are_loaded_and_unloaded_after_every_step_trains_the_same_lora(runs, monkeypatch):
    """As any code in this ComfyUI may do; its own /free waits for the end of the prompt."""
    whole = runs.train(steps=4, name="whole").lora
    models = [runs.model, runs.clip.patcher, runs.vae.patcher]
    unloaded = []

    def update(self, value, total=None, preview=None):
        comfy.model_management.load_models_gpu(models)
        loaded = len(comfy.model_management.current_loaded_models)
        comfy.model_management.unload_all_models()
        unloaded.append(loaded - len(comfy.model_management.current_loaded_models))

    monkeypatch.setattr(comfy.utils.ProgressBar, "update_absolute", update)
    lora = runs.train(steps=4).lora
    assert unloaded == [len(models)] * 4
    assert same(lora, whole)


def test_a_run_that_goes_on_remembers_its_curves_and_its_checkpoints(runs, monkeypatch):
    saving = SavingConfig(every_steps=1, keep_last=2, measure_every=1)
    whole = runs.train_with({"saving": saving}, name="whole", steps=4)
    with monkeypatch.context() as patches, pytest.raises(comfy.model_management.InterruptProcessingException):
        cancel_after(2, patches)
        runs.train_with({"saving": saving}, steps=4)
    run = runs.train_with({"saving": saving}, steps=4)
    assert run.losses == whole.losses
    assert run.fixed == whole.fixed
    assert [file.stem[-1] for file in run.files.checkpoints] == ["2", "3"]


def test_a_finished_run_is_found_again_and_can_be_made_longer(runs):
    whole = runs.train(steps=4, name="whole").lora
    half = runs.train(steps=2)
    longer = runs.train(steps=4)
    assert longer.path == half.path
    assert same(longer.lora, whole) and not same(longer.lora, half.lora)
    shorter = runs.train(steps=2)
    assert shorter.path != half.path and same(shorter.lora, half.lora)


def test_a_run_with_other_settings_leaves_the_earlier_file_alone(runs):
    first = runs.train(steps=1).path
    before = open(first, "rb").read()
    assert runs.train(steps=1, seed=1).path == str(runs.loras / "stripes_00002.safetensors")
    assert open(first, "rb").read() == before


def test_a_loss_that_is_no_number_is_told_with_its_step_and_the_file_kept(runs):
    with pytest.raises(InputError, match="became NaN or infinite at step") as told:
        runs.train(learning_rate=1.0, alpha=4096.0, precision="float16", steps=40)
    step = int(re.search(r"at step (\d+)", str(told.value))[1])
    assert 1 < step and metadata(runs.loras / "stripes.safetensors")["ss_steps"] == str(step - 1)


def test_running_out_of_memory_in_the_third_step_keeps_the_first_two(runs, monkeypatch):
    whole = runs.train(steps=4, name="whole").lora
    with monkeypatch.context() as patches:
        patches.setattr(torch.Tensor, "backward", out_of_memory_at(3))
        with pytest.raises(InputError, match="ran out of memory.*steps made so far are saved.*batch_size"):
            runs.train(steps=4)
    assert metadata(runs.loras / "stripes.safetensors")["ss_steps"] == "2"
    assert same(runs.train(steps=4).lora, whole)


def out_of_memory_at(call):
    backward, calls = torch.Tensor.backward, []

    def failing(tensor, *arguments, **named):
        calls.append(tensor)
        if len(calls) == call:
            raise comfy.model_management.OOM_EXCEPTION("no room")
        return backward(tensor, *arguments, **named)

    return failing


@pytest.mark.parametrize("error", [comfy.model_management.OOM_EXCEPTION("no room"), MemoryError()])
def test_running_out_of_memory_while_images_are_encoded_is_told(runs, monkeypatch, error):
    def no_room(*_):
        raise error

    monkeypatch.setattr(type(runs.vae), "encode", no_room)
    with pytest.raises(InputError, match="ran out of memory"):
        runs.train()


def test_a_disk_that_is_too_small_is_told_before_training(runs, monkeypatch):
    monkeypatch.setattr(run_files.shutil, "disk_usage", lambda folder: SimpleNamespace(free=2**20))
    with pytest.raises(InputError, match="has 1 MB left"):
        runs.train()


def test_a_folder_that_cannot_be_written_to_is_told_before_anything_is_encoded(runs, monkeypatch):
    def denied(path, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    encoded = []
    monkeypatch.setattr(type(runs.vae), "encode", lambda *_: encoded.append(True))
    monkeypatch.setattr(run_files.Path, "touch", denied)
    with pytest.raises(InputError, match="loras cannot be written to. Allow ComfyUI"):
        runs.train()
    assert not encoded


def test_a_disk_that_fills_up_keeps_the_last_state(runs, monkeypatch):
    runs.train(steps=2)
    before = runs.state.read_bytes()

    def no_room(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patches:
        patches.setattr(common_files.os, "replace", no_room)
        with pytest.raises(InputError, match="No space left.*goes on from its last state"):
            runs.train(steps=4)
    assert runs.state.read_bytes() == before
    assert metadata(runs.train(steps=4).path)["ss_steps"] == "4"


def test_a_missing_optimizer_library_is_told(runs, monkeypatch):
    monkeypatch.setitem(sys.modules, "prodigyopt", None)
    with pytest.raises(InputError, match="Prodigy needs the Python package prodigyopt"):
        runs.train(optimizer=OptimizerConfig("Prodigy"))
