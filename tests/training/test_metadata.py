"""What a LoRA file says about itself."""

import json
from types import SimpleNamespace

import torch
from tilewright.training.config import NetworkConfig, OptimizerConfig, SavingConfig, TrainingConfig
from tilewright.training.data import Example
from tilewright.training.metadata import BaseModel, counted_steps, lora_metadata, network_module

LATENT = torch.zeros(4, 8, 8)


def a_trainer(examples, step=6, steps=10, held_out=()):
    """What the metadata ask of a trainer."""
    course = {"step": step, "steps": steps, "steps_per_epoch": 2, "batches_per_epoch": 5}
    kept = {"batches": SimpleNamespace(examples=examples), "measurements": SimpleNamespace(held_out=held_out)}
    return SimpleNamespace(**course, **kept)


def told(base=BaseModel("sd_v1", "stable-diffusion-v1", "eps"), examples=(), held_out=(), **config):  # noqa: B008
    return lora_metadata("walls", base, TrainingConfig(**config), a_trainer(examples, held_out=held_out))


def test_a_file_names_its_model_its_settings_and_its_tags():
    config = TrainingConfig(
        steps=10,
        batch_size=2,
        seed=7,
        network=NetworkConfig(rank=8, alpha=4.0, kind="LoHa", conv_rank=4),
        optimizer=OptimizerConfig(arguments="eps=1e-6", accumulation=3),
        saving=SavingConfig(trigger_words="twbrick"),
    )
    latent = torch.zeros(4, 8, 8)
    examples = [
        Example(latent, "twbrick, red", (64, 64), repeats=2),
        Example(latent, "twbrick", (64, 64), regularisation=True),
    ]
    course = a_trainer(examples, step=6)
    base = BaseModel("sd_v1", "stable-diffusion-v1", "eps")
    metadata = lora_metadata("walls", base, config, course)
    assert all(isinstance(value, str) for value in metadata.values())
    assert {key: metadata[key] for key in ("ss_output_name", "ss_base_model_version", "modelspec.title")} == {
        "ss_output_name": "walls",
        "ss_base_model_version": "sd_v1",
        "modelspec.title": "walls",
    }
    numbers = {
        "ss_network_dim": 8,
        "ss_network_alpha": 4.0,
        "ss_seed": 7,
        "ss_steps": 6,
        "ss_epoch": 3,
        "ss_num_epochs": 5,
        "ss_total_batch_size": 6,
        "ss_num_train_images": 2,
        "ss_num_reg_images": 1,
        "ss_gradient_accumulation_steps": 3,
    }
    assert {key: json.loads(metadata[key]) for key in numbers} == numbers
    assert json.loads(metadata["ss_network_args"]) == {"algo": "loha", "conv_dim": "4", "conv_alpha": "2.0"}
    assert json.loads(metadata["ss_tag_frequency"]) == {"tilewright": {"twbrick": 2, "red": 1}}
    assert metadata["ss_optimizer"] == "AdamW(eps=1e-6)"
    assert metadata["modelspec.trigger_phrase"] == "twbrick"
    assert "ss_training_comment" not in metadata  # an empty one is left out


def test_precision_and_clip_skip_are_those_that_were_used():
    base = BaseModel("sdxl_base_v1-0", "stable-diffusion-xl-v1-base", "eps", precision="bfloat16", clip_skip=2)
    metadata = told(base, precision="auto")
    assert metadata["ss_mixed_precision"] == "bf16" and metadata["ss_clip_skip"] == "2"
    assert told()["ss_mixed_precision"] == "no"


def test_images_are_counted_by_folder_and_repeats_without_those_that_are_only_measured():
    examples = [
        Example(LATENT, "", (64, 64), repeats=2, folder="bricks"),
        Example(LATENT, "", (64, 64), repeats=2, folder="bricks"),
        Example(LATENT, "", (64, 64), repeats=3, folder="walls"),
        Example(LATENT, "", (64, 64), folder="walls"),
    ]
    metadata = told(examples=examples, held_out=[Example(LATENT, "red", (64, 64))])
    assert json.loads(metadata["ss_dataset_dirs"]) == {
        "bricks": {"n_repeats": 2, "img_count": 2},
        "3_walls": {"n_repeats": 3, "img_count": 1},
        "1_walls": {"n_repeats": 1, "img_count": 1},
    }
    assert metadata["ss_num_train_images"] == "8" and metadata["ss_num_validation_images"] == "1"
    assert metadata["ss_tag_frequency"] == '{"tilewright": {}}'


def test_the_last_pass_over_the_set_counts_where_the_run_ends():
    assert counted_steps(7, 10, 4) == {"ss_steps": 7, "ss_max_train_steps": 10, "ss_epoch": 1, "ss_num_epochs": 3}
    assert counted_steps(10, 10, 4)["ss_epoch"] == 3
    assert counted_steps(2, 2, 0)["ss_epoch"] == 2  # where the length of an epoch is not known


def test_the_module_is_the_one_in_sd_scripts_that_trains_such_a_network():
    assert network_module(NetworkConfig(rank=8, alpha=4.0)) == ("networks.lora", {})
    dora = NetworkConfig(rank=8, alpha=4.0, kind="DoRA", conv_rank=2)
    assert network_module(dora) == (
        "lycoris.kohya", {"algo": "lora", "dora_wd": True, "conv_dim": 2, "conv_alpha": 1.0}
    )  # fmt: skip
    assert told(network=dora)["ss_network_module"] == "lycoris.kohya"


def test_the_implementation_is_the_one_whose_names_the_layers_have():
    assert told()["modelspec.implementation"] == "diffusers"
    sdxl = BaseModel("sdxl_base_v1-0", "stable-diffusion-xl-v1-base", "eps")
    assert told(sdxl)["modelspec.implementation"].endswith("generative-models")
