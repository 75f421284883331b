"""What each task is told, and how a run goes on."""

import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tilewright.common.errors import InputError
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.sd_scripts.checkout import Interpreter
from tilewright.sd_scripts.metadata import count_on
from tilewright.sd_scripts.output import has_text
from tilewright.sd_scripts.packages import is_own, missing_modules
from tilewright.sd_scripts.process import ScriptProcess
from tilewright.sd_scripts.resume import next_leg, run_length, serves
from tilewright.sd_scripts.run_folder import Leg, RunFolder, is_whole
from tilewright.sd_scripts.settings import known_settings
from tilewright.sd_scripts.tasks import (
    CONTROLNET,
    DREAMBOOTH,
    LORA,
    SDXL,
    Job,
    captions_without_token,
    learning_rates,
    network_settings,
    task_settings,
)
from tilewright.training.config import NetworkConfig, OptimizerConfig, TrainingConfig


def test_a_lora_is_told_its_size_and_the_blocks_it_leaves_out():
    config = TrainingConfig(network=NetworkConfig(rank=8, alpha=4.0, conv_rank=2, blocks="up"))
    told = network_settings(Job(LORA, "SD1"), config)
    assert (told["network_dim"], told["network_alpha"], told["network_train_unet_only"]) == (8, 4.0, True)
    assert told["network_args"] == [
        "conv_dim=2", "conv_alpha=1", "down_lr_weight=0,0,0,0,0,0,0,0,0,0,0,0", "mid_lr_weight=0"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("task", "family", "text_encoder", "by_job"),
    [
        (LORA, "SD1", False, {"unet_lr": 1e-4}),
        (LORA, "SD1", True, {"unet_lr": 1e-4, "text_encoder_lr": [5e-5]}),
        (DREAMBOOTH, "SD1", True, {"learning_rate_te": 5e-5}),
        (DREAMBOOTH, SDXL, True, {"learning_rate_te1": 5e-5, "learning_rate_te2": 5e-5}),
        (CONTROLNET, "SD1", True, {}),
        (CONTROLNET, SDXL, False, {"control_net_lr": 1e-4}),
    ],
)
def test_each_script_has_arguments_of_its_own_for_learning_rates(task, family, text_encoder, by_job):
    optimizer = OptimizerConfig(learning_rate=1e-4, text_encoder_rate=5e-5)
    config = TrainingConfig(network=NetworkConfig(text_encoder=text_encoder), optimizer=optimizer)
    assert learning_rates(Job(task, family), config) == {"learning_rate": 1e-4, **by_job}


def test_a_new_word_is_told_and_missing_in_captions_noticed():
    word = {"token": " twtile ", "init_word": "tile", "vectors": 2, "template": "captions"}
    own = task_settings("textual inversion", word, has_conditioning=False)
    assert own == {"token_string": "twtile", "init_word": "tile", "num_vectors_per_token": 2}
    samples = [Sample(Path(f"{n}.png"), "basecolor", (8, 8), text) for n, text in enumerate(["a twtile", "a wall"])]
    (told,) = captions_without_token(own, TextureDataset(tuple(samples)))
    assert "'twtile'" in told and told.endswith("1 of 2 captions, of 1.png")


def test_notes_that_a_script_does_not_know_are_left_out_and_other_settings_refused():
    assert known_settings({"seed": 1, "training_comment": "x"}, frozenset({"seed"}), "train_db.py") == {"seed": 1}
    with pytest.raises(InputError, match="does not know --huber_c"):
        known_settings({"huber_c": 1}, frozenset({"seed"}), "train_db.py")


@pytest.fixture
def stopped(tmp_path):
    """A run of ten steps with a state at its fourth."""
    (tmp_path / "run" / "states" / "step00000004").mkdir(parents=True)
    return RunFolder(tmp_path / "run", tmp_path / "a.safetensors", {"steps_per_epoch": 2})


def test_a_level_rate_counts_from_nothing_and_a_falling_one_counts_on(stopped):
    leg, told = next_leg(stopped, TrainingConfig(steps=10), Job(LORA, "SD1"))
    assert leg == Leg(4, 10) and (told["initial_step"], told["max_train_steps"]) == (0, 6)
    falling = TrainingConfig(steps=10, optimizer=OptimizerConfig(scheduler="cosine"))
    leg, told = next_leg(stopped, falling, Job(LORA, "SD1"))
    assert leg == Leg(4, 10, counts_on=True, skips=True)
    assert (told["initial_step"], told["max_train_steps"], told["skip_until_initial_step"]) == (4, 10, True)


def test_a_stopped_run_serves_a_longer_one_and_not_a_shorter(stopped):
    assert serves(stopped, TrainingConfig(steps=10), Job(LORA, "SD1"))
    assert not serves(stopped, TrainingConfig(steps=4), Job(LORA, "SD1"))
    assert run_length(TrainingConfig(steps=10)) == {"steps": 10} and run_length(TrainingConfig(epochs=3)) == {
        "epochs": 3
    }


def test_half_a_file_is_not_whole_and_counting_on_keeps_the_weights(tmp_path):
    file = tmp_path / "a.safetensors"
    save_file({"w": np.arange(4.0)}, file, metadata={"ss_steps": "4"})
    assert is_whole(file)
    weights = file.read_bytes()[-32:]
    count_on(file, step=12, end=12, steps_per_epoch=4)
    assert is_whole(file) and file.read_bytes()[-32:] == weights and b'"ss_steps":"12"' in file.read_bytes()
    file.write_bytes(file.read_bytes()[:-1])
    assert not is_whole(file)


def test_lines_that_say_something():
    lines = ["loading VAE", "", "    ^^^^", " 50%|#####     | 1/2 [00:04<00:04]"]
    assert [has_text(line) for line in lines] == [True, False, False, False]


def test_modules_of_the_checkout_are_its_own_and_others_may_be_missing(tmp_path):
    (tmp_path / "networks").mkdir()
    (tmp_path / "train.py").write_text("import json, numpy, nosuch_module\n")
    assert is_own("networks.lora", tmp_path) and not is_own("numpy", tmp_path)
    assert missing_modules(Interpreter(Path(sys.executable)), tmp_path / "train.py") == ["nosuch_module"]


def test_a_script_is_read_line_by_line_to_its_end(tmp_path):
    command = [sys.executable, "-c", "print('one\\rtwo'); raise SystemExit(3)"]
    with ScriptProcess(command, tmp_path, {}, tmp_path / "log") as process:
        lines = [line for some in process.lines(0.01) for line in some if line]
        assert process.exit_code() == 3
    assert lines == ["one", "two"] and (tmp_path / "log").read_bytes().split() == [b"one", b"two"]
