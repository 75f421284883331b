"""The node on a real checkout: two steps on the CPU, cancelled and resumed, into files that the host loads whole."""

import json
import logging
import os
from pathlib import Path

import comfy.model_management
import comfy.sd
import comfy.utils
import pytest
from sd_scripts_stand_in.checkout import ARGUMENTS
from sd_scripts_stand_in.real import checkpoint_file, offer, with_sd_scripts
from tilewright.nodes.training.train_sd_scripts import TrainLoraKohya
from tilewright.sd_scripts.checkout import find_python
from tilewright.sd_scripts.extra_arguments import script_arguments
from tilewright.training.config import SavingConfig

pytestmark = with_sd_scripts


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return checkpoint_file(tmp_path_factory.mktemp("real"))


@pytest.fixture(scope="module")
def loaded(checkpoint):
    """MODEL and CLIP of the checkpoint, as the host's own loader makes them."""
    model, clip, *_ = comfy.sd.load_checkpoint_guess_config(str(checkpoint), output_vae=False)
    return model, clip


@pytest.fixture
def train(output, checkpoint, dataset, monkeypatch):
    offer(monkeypatch, "checkpoints", checkpoint.parent)

    def run(**inputs):
        widgets = {
            "dataset": dataset,
            "checkpoint": checkpoint.name,
            "name": "echte Ziegel",
            "steps": 2,
            "batch_size": 1,
        }
        widgets |= {"resolution": 64, "rank": 4, "alpha": 4.0, "learning_rate": 1e-3, "seed": 5, "threads": 1}
        return TrainLoraKohya.execute(**widgets | inputs)

    return run


def check_loads_whole(file, loaded, caplog):
    """The host takes every key of the file, and patches every UNet module that kohya names."""
    model, clip = loaded
    lora = comfy.utils.load_torch_file(file, safe_load=True)
    with caplog.at_level(logging.WARNING):
        patched, _ = comfy.sd.load_lora_for_models(model, clip, lora, 1.0, 1.0)
    assert [record.message for record in caplog.records if "not loaded" in record.message.lower()] == []
    assert len(patched.patches) == 192
    assert any(value.abs().max() > 0 for key, value in lora.items() if "lora_up" in key)


def test_two_steps_end_with_a_lora_that_the_host_loads_whole(train, loaded, caplog):
    _, path, _, report = train().result
    check_loads_whole(path, loaded, caplog)
    assert "train_network.py" in report


def test_a_cancelled_run_keeps_its_last_step_and_goes_on(train, output, loaded, caplog, monkeypatch):
    saving = SavingConfig(state_every=1, sample_every=0)
    file = output / "loras" / "echte Ziegel.safetensors"
    states = output / "training" / "echte Ziegel" / "states"

    def cancel():
        if states.is_dir() and any(states.iterdir()):
            raise comfy.model_management.InterruptProcessingException

    with monkeypatch.context() as patched:
        patched.setattr(comfy.model_management, "throw_exception_if_processing_interrupted", cancel)
        with pytest.raises(comfy.model_management.InterruptProcessingException):
            train(steps=3, saving=saving)
    check_loads_whole(str(file), loaded, caplog)
    cancelled_at = int(next(states.iterdir()).name.removeprefix("step"))
    assert cancelled_at < 3
    after_cancel = file.read_bytes()

    _, path, _, report = train(steps=3, saving=saving).result
    assert path == str(file) and f"went on from step {cancelled_at}" in report
    assert file.read_bytes() != after_cancel
    assert [state.name for state in states.iterdir()] == ["step00000003"]
    check_loads_whole(path, loaded, caplog)


def test_the_listed_arguments_are_those_of_the_real_scripts():
    checkout = Path(os.environ["SD_SCRIPTS_PATH"])
    listed = json.loads(ARGUMENTS.read_text(encoding="utf-8"))
    interpreter = find_python("", checkout, [])
    for script, own in listed["scripts"].items():
        real = script_arguments(interpreter, checkout / script, os.environ)
        assert set(real) == set(listed["arguments"]) - set(own["lacks"]), script
