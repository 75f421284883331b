"""What a LoRA file says about itself."""

import json
from types import SimpleNamespace

import torch
from tilewright.training.config import NetworkConfig, OptimizerConfig, SavingConfig, TrainingConfig
from tilewright.training.data import Example
from tilewright.training.metadata import BaseModel, lora_metadata


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
    course = SimpleNamespace(step=6, steps=10, steps_per_epoch=2, batches_per_epoch=5)
    base = BaseModel("sd_v1", "stable-diffusion-v1", "eps")
    metadata = lora_metadata("walls", base, config, examples, {"bricks": 2}, course)
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
