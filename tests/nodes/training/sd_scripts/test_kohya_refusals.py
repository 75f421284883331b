"""Train LoRA (sd-scripts) on the stand-in when something is wrong: what the script did, what cannot be asked of it."""

import json
import pickle

import folder_paths
import pytest
import torch
from safetensors.torch import save_file
from tilewright.common.errors import InputError
from tilewright.training.config import NetworkConfig, ObjectiveConfig, OptimizerConfig

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "crash, words",
    [
        ("package", "package voluptuous is missing"),
        ("version", "do not fit together"),
        ("memory", "Lower batch_size"),
        ("assertion", "refuses these settings: network for Text Encoder cannot be trained"),
        ("tokenizer", "offline cache"),
        ("killed", "The system killed it"),
    ],
)
def test_a_crash_says_its_cause(train_lora, checkout, crash, words):
    checkout.behave(crash=crash, at_step=1)
    with pytest.raises(InputError, match=words) as told:
        train_lora()
    assert "last lines" in str(told.value)


def test_a_script_that_writes_nothing_has_not_finished(train_lora, checkout):
    checkout.behave(no_file=True)
    with pytest.raises(InputError, match="without writing mein Ziegel.safetensors"):
        train_lora()


def test_half_a_file_is_not_taken_over(train_lora, checkout, output):
    checkout.behave(damaged=True)
    with pytest.raises(InputError, match="without writing"):
        train_lora()
    assert list((output / "loras").glob("*.safetensors")) == []


def test_a_loss_that_is_no_number_stops_the_run(train_lora, checkout):
    checkout.behave(nan=True, seconds_per_step=0.3)
    with pytest.raises(InputError, match="became NaN or infinite at step"):
        train_lora(steps=500)


@pytest.mark.parametrize(
    "arguments, words",
    [
        ("--scale_weight_norm 1", "Did you mean --scale_weight_norms"),
        ("--scale_weight_norms", "takes 1 value"),
        ("--loss_type round", "Choose one of l1, l2"),
        ("--output_dir /elsewhere", "cannot be set"),
        ("--log_prefix /elsewhere", "cannot be set"),
        ("--optimizer_args=--network_module some.module", "which is an argument itself"),
        ("--loss_type=--output_dir=/elsewhere", "which is an argument itself"),
        ("--huggingface_repo_id me/mine", "cannot be set"),
        ("--optimizer_type os.system", "only load code from"),
        ("1e-4", "begins with"),
    ],
)
def test_bad_arguments_are_named_before_anything_starts(train_lora, checkout, arguments, words):
    with pytest.raises(InputError, match=words):
        train_lora(arguments=arguments)
    assert checkout.trainings == []


@pytest.mark.parametrize(
    "inputs, words",
    [
        ({"objective": ObjectiveConfig(wrap="on")}, r"tiling \(wrap\) is on"),
        ({"objective": ObjectiveConfig(shift=2.0)}, "shift of LoRA Objective is 2.0, which only flow models have"),
        ({"network": NetworkConfig(training_adapter="a.safetensors")}, "a training adapter is chosen"),
        (
            {"objective": ObjectiveConfig(text_encoder_until=0.5), "network": NetworkConfig(text_encoder=True)},
            "to the end or not at all",
        ),
        ({"optimizer": OptimizerConfig(ema=0.9)}, r"EMA decay \(ema\) is not 0"),
        ({"network": NetworkConfig(blocks="attention")}, "cannot combine"),
        ({"color_augmentation": True}, "cache_latents"),
        ({"half_gradients": True, "precision": "float32"}, "half precision"),
        ({"optimizer": OptimizerConfig(scheduler="linear", warmup=100)}, "would never be reached"),
        ({"sd_scripts": "/etc"}, "outside the folders"),
        ({"python": "/usr/bin"}, "outside the folders"),
        ({"checkpoint": "gone.safetensors"}, "no such file"),
    ],
)
def test_what_cannot_be_is_told(train_lora, inputs, words):
    with pytest.raises(InputError, match=words):
        train_lora(**inputs)


def test_without_a_checkout_the_message_says_where_it_was_looked_for(train_lora, monkeypatch):
    monkeypatch.delenv("SD_SCRIPTS_PATH")
    with pytest.raises(InputError, match="There is no checkout of sd-scripts.(.|\n)*sd-scripts"):
        train_lora()


DOWN = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"


def whole(file, width=768, **more):
    save_file({DOWN: torch.ones(4, width), **more}, file)


def cut(file):
    whole(file)
    file.write_bytes(file.read_bytes()[:-100])


STARTS = {  # what is made at a path of the LoRA folder -> what is said of it
    "cut off": (cut, "damaged or copied only in part"),
    "a folder": (lambda file: file.mkdir(), "start_from is 'start.safetensors', but"),
    "a pickle": (
        lambda file: file.write_bytes(pickle.dumps({DOWN: [1.0] * 40}, 2)),
        "it is a pickle, which may run programs",
    ),
    "PyTorch's": (lambda file: torch.save({DOWN: torch.ones(4, 4)}, file), "it is a file of PyTorch"),
    "a pointer of Git LFS": (lambda file: file.write_bytes(POINTER), "Git LFS"),
    "empty": (lambda file: file.write_bytes(b""), "it is empty"),
    "of another family": (lambda file: whole(file, width=2048), "was made for SDXL, but the model is SD1"),
    "diverged": (lambda file: whole(file, spoilt=torch.full((2,), torch.nan)), "holds NaN or infinite values"),
    "of diffusers": (
        lambda file: save_file({"unet.down_blocks.0.to_k.lora_A.weight": torch.ones(4, 4)}, file),
        "no layers with the names of sd-scripts",
    ),
}


@pytest.mark.parametrize("kind", STARTS)
def test_a_lora_that_cannot_be_gone_on_from_is_named_before_anything_starts(
    train_lora, checkout, output, tmp_path, monkeypatch, kind
):
    make, words = STARTS[kind]
    folder = tmp_path / "loras"
    folder.mkdir()
    known = folder_paths.folder_names_and_paths["loras"]
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "loras", ([str(folder)], known[1]))
    make(folder / "start.safetensors")
    with pytest.raises(InputError, match=words):
        train_lora(network=NetworkConfig(start_from="start.safetensors"))
    assert checkout.trainings == [] and not (output / "training").exists()


def test_another_file_of_the_same_name_to_start_from_is_another_run(
    train_lora, checkout, output, tmp_path, monkeypatch
):
    known = folder_paths.folder_names_and_paths["loras"]
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "loras", ([str(tmp_path)], known[1]))
    for count, more in ((1, {}), (2, {"lora_unet_more.alpha": torch.ones(())})):
        whole(tmp_path / "start.safetensors", **more)
        train_lora(network=NetworkConfig(start_from="start.safetensors"))
        assert len(checkout.trainings) == count
        assert checkout.trainings[-1]["settings"]["network_weights"] == str(tmp_path / "start.safetensors")
    train_lora(network=NetworkConfig(start_from="start.safetensors"))
    assert len(checkout.trainings) == 2
    for run in (output / "training").glob("*/run.json"):  # as versions wrote it that did not look at the file
        facts = json.loads(run.read_text())
        assert facts.pop("start")[0] == str(tmp_path / "start.safetensors")
        run.write_text(json.dumps(facts))
    whole(tmp_path / "start.safetensors")
    train_lora(network=NetworkConfig(start_from="start.safetensors"))
    assert len(checkout.trainings) == 2
