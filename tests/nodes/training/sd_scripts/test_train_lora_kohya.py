"""Train LoRA (sd-scripts) on the stand-in: what it tells the script, what it makes of the end, and how it goes on."""

from dataclasses import replace

import comfy.model_management
import psutil
import pytest
from safetensors import safe_open
from tilewright.common.buckets import Buckets
from tilewright.common.errors import InputError
from tilewright.training.config import NetworkConfig, ObjectiveConfig, OptimizerConfig, SavingConfig
from tilewright.training.run_controls import STOP, ask
from tilewright.training.run_log import read_log
from tilewright.training.run_status import STOPPED, run_status

pytestmark = pytest.mark.slow


def steps_in(file):
    with safe_open(file, "pt") as lora:
        return int(lora.metadata()["ss_steps"])


def test_a_run_ends_with_a_lora_in_the_hosts_folder(train_lora, output, checkout):
    lora, path, loss, report = train_lora().result
    assert path == str(output / "loras" / "mein Ziegel.safetensors")
    assert any(key.endswith("attn2_to_q.lora_down.weight") for key in lora)
    assert steps_in(path) == 6
    assert loss.shape[0] == 1 and loss.shape[-1] == 3
    assert "train_network.py" in report
    assert [call["script"] for call in checkout.trainings] == ["train_network.py"]


def test_the_family_of_the_checkpoint_chooses_the_script(train_lora, checkout):
    train_lora(checkpoint="SDXL.safetensors", name="xl")
    train_lora(checkpoint="SD2.safetensors", name="two")
    assert [call["script"] for call in checkout.trainings] == ["sdxl_train_network.py", "train_network.py"]
    assert checkout.trainings[1]["settings"]["v2"] is True


def test_every_option_arrives(train_lora, checkout):
    train_lora(
        epochs=2,
        precision="bfloat16",
        gradient_checkpointing=True,
        network=NetworkConfig(text_encoder=True, conv_rank=2, dropout=0.1, blocks="middle and up"),
        optimizer=OptimizerConfig(
            kind="Prodigy", scheduler="cosine with restarts", cycles=3, warmup=0.1, clip_norm=0.0
        ),
        objective=ObjectiveConfig(
            min_snr_gamma=5.0, noise_offset=0.05, shuffle_caption=True, clip_skip=2, max_tokens=150
        ),
        saving=SavingConfig(every_epochs=1, precision="float16", validation_share=0.3, comment="für später"),
        cache_latents="disk",
        flip_augmentation=True,
        attention="xformers",
        half_gradients=True,
        workers=0,
        arguments="--scale_weight_norms 1 --ip_noise_gamma=0.1",
    )
    told = checkout.trainings[0]["settings"]
    assert {name: told.get(name) for name in EVERY_OPTION} == EVERY_OPTION
    assert "max_train_steps" not in told


EVERY_OPTION = {
    "max_train_epochs": 2,
    "mixed_precision": "bf16",
    "full_bf16": True,
    "gradient_checkpointing": True,
    "network_module": "networks.lora",
    "network_dim": 4,
    "network_alpha": 4.0,
    "network_dropout": 0.1,
    "network_args": ["conv_dim=2", "conv_alpha=2", "down_lr_weight=0,0,0,0,0,0,0,0,0,0,0,0"],
    "learning_rate": 1e-4,
    "unet_lr": 1e-4,
    "text_encoder_lr": [1e-4],
    "optimizer_type": "Prodigy",
    "optimizer_args": [
        "weight_decay=0.01",
        "betas=0.9,0.999",
        "use_bias_correction=True",
        "safeguard_warmup=True",
    ],
    "lr_scheduler": "cosine_with_restarts",
    "lr_scheduler_num_cycles": 3,
    "lr_warmup_steps": 0.1,
    "max_grad_norm": 0.0,
    "max_data_loader_n_workers": 0,
    "min_snr_gamma": 5.0,
    "noise_offset": 0.05,
    "shuffle_caption": True,
    "keep_tokens": 1,
    "clip_skip": 2,
    "max_token_length": 150,
    "save_every_n_epochs": 1,
    "save_precision": "fp16",
    "validation_split": 0.3,
    "training_comment": "für später",
    "cache_latents": True,
    "cache_latents_to_disk": True,
    "flip_aug": True,
    "xformers": True,
    "scale_weight_norms": 1.0,
    "ip_noise_gamma": 0.1,
    "enable_bucket": True,
    "seed": 5,
}


def test_nothing_of_the_host_leaks_in(train_lora, checkout, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/somewhere/else")
    monkeypatch.setenv("VIRTUAL_ENV", "/somewhere/else")
    monkeypatch.setattr("sys.argv", ["main.py", "--listen"])
    train_lora()
    call = checkout.trainings[0]
    assert call["environment"]["PYTHONPATH"] == str(checkout.folder / "packages")
    assert "VIRTUAL_ENV" not in call["environment"]
    assert call["environment"]["HF_HUB_OFFLINE"] == "1"
    assert call["folder"] == str(checkout.folder)
    assert call["path"][:2] == [str(checkout.folder), str(checkout.folder / "packages")]
    assert "/somewhere/else" not in call["path"] and "--listen" not in call["argv"]


def test_a_cancelled_run_ends_everything_and_keeps_what_was_saved(train_lora, checkout, output, monkeypatch):
    checkout.behave(sleeps=True, at_step=4)

    def interrupted():
        if any("child" in call for call in checkout.calls):
            raise comfy.model_management.InterruptProcessingException

    monkeypatch.setattr(comfy.model_management, "throw_exception_if_processing_interrupted", interrupted)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        train_lora(saving=SavingConfig(state_every=2))
    child = checkout.calls[-1]["child"]
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
    assert steps_in(output / "loras" / "mein Ziegel.safetensors") == 2


def test_a_cancelled_run_goes_on_where_its_last_state_is(train_lora, checkout, output, monkeypatch):
    checkout.behave(crash="memory", at_step=5)
    with pytest.raises(InputError, match="ran out of memory"):
        train_lora(saving=SavingConfig(state_every=2))
    checkout.behave()
    _, path, _, report = train_lora(saving=SavingConfig(state_every=2)).result
    assert checkout.trainings[1]["settings"]["max_train_steps"] == 2
    assert checkout.updates == steps_in(path) == 6
    assert "went on from step 4" in report


def test_a_finished_run_is_not_trained_again_but_can_be_made_longer(train_lora, checkout):
    train_lora()
    _, path, _, report = train_lora().result
    assert "had finished before" in report and len(checkout.trainings) == 1
    _, longer, _, _ = train_lora(steps=9).result
    assert longer == path and checkout.updates == steps_in(path) == 9


@pytest.mark.parametrize(
    "settings, data",
    [
        ({"learning_rate": 2e-4}, {}),
        ({}, {"background": (0.0, 0.0, 0.0)}),
        ({}, {"buckets": Buckets(step=32)}),
    ],
)
def test_other_settings_are_another_run(train_lora, output, dataset, settings, data):
    train_lora()
    _, path, _, _ = train_lora(dataset=replace(dataset, **data), **settings).result
    assert path == str(output / "loras" / "mein Ziegel_00002.safetensors")


def test_another_family_in_the_same_script_is_another_run(train_lora, output):
    train_lora(checkpoint="SD2.safetensors", family="SD2")
    _, path, _, _ = train_lora(checkpoint="SD2.safetensors", family="SD2 v-prediction").result
    assert path == str(output / "loras" / "mein Ziegel_00002.safetensors")


def test_checkpoints_on_the_way_are_named_by_the_runs_own_steps(train_lora, checkout, output):
    saving = SavingConfig(every_steps=2, keep_last=2)
    checkout.behave(crash="memory", at_step=5)
    with pytest.raises(InputError):
        train_lora(steps=10, saving=saving)
    checkout.behave()
    train_lora(steps=10, saving=saving)
    kept = sorted(file.name for file in (output / "loras").glob("*-step*"))
    assert kept == ["mein Ziegel-step00000008.safetensors", "mein Ziegel-step00000010.safetensors"]
    assert [steps_in(output / "loras" / name) for name in kept] == [8, 10]


def test_a_falling_rate_is_resumed_with_the_whole_course_told(train_lora, checkout):
    falling = OptimizerConfig(scheduler="cosine")
    checkout.behave(crash="memory", at_step=7)
    with pytest.raises(InputError):
        train_lora(steps=8, optimizer=falling, saving=SavingConfig(state_every=3))
    checkout.behave()
    train_lora(steps=8, optimizer=falling, saving=SavingConfig(state_every=3))
    told = checkout.trainings[1]["settings"]
    assert (told["initial_step"], told["max_train_steps"], told["skip_until_initial_step"]) == (6, 8, True)
    assert checkout.updates == 8


def test_a_run_that_is_stopped_keeps_what_was_saved_and_ends_well(train_lora, checkout, output, monkeypatch):
    checkout.behave(sleeps=True, at_step=4)
    folder = output / "training" / "mein Ziegel"

    def asks_to_stop():
        if any("child" in call for call in checkout.calls) and (folder / "heartbeat.json").exists():
            ask(folder, STOP)

    monkeypatch.setattr(comfy.model_management, "throw_exception_if_processing_interrupted", asks_to_stop)
    lora, path, _, _ = train_lora(saving=SavingConfig(state_every=2)).result
    assert lora and steps_in(path) == 2
    part = read_log(folder)
    status = run_status(folder, part, ())
    assert (status.state, status.steps, status.can) == (STOPPED, 6, (STOP,))
    assert part.steps["step"][-1] >= 2 and None not in part.steps["loss"]
    _, _, _, report = train_lora(saving=SavingConfig(state_every=2)).result
    assert "had been stopped before" in report and len(checkout.trainings) == 1
