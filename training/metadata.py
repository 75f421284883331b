"""What a LoRA file says about itself, in the keys that kohya's tools and the modelspec readers know.

No date and no session number: the same run gives the same file to the last bit.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .config import TrainingConfig
from .data import Example
from .loop import Trainer
from .optimizers import warmup_steps
from .settings import metadata_entries


@dataclass(frozen=True)
class BaseModel:
    """The family of the model a LoRA was trained on.

    version is kohya's name for it ("sd_v1", "sd_v2", "sd_v2_v", "sdxl_base_v1-0"), architecture modelspec's.
    """

    version: str
    architecture: str
    prediction: str


def lora_metadata(
    name: str,
    base: BaseModel,
    config: TrainingConfig,
    examples: Sequence[Example],
    folders: dict[str, int],
    trainer: Trainer,
) -> dict[str, str]:
    """The metadata of the LoRA that `trainer` has come to. folders counts each dataset folder's images by its name."""
    entries = {
        "ss_v2": base.version.startswith("sd_v2"),
        "ss_base_model_version": base.version,
        "ss_output_name": name,
        **metadata_entries(config),
        **metadata_entries(config.network),
        **metadata_entries(config.optimizer),
        **metadata_entries(config.objective),
        **metadata_entries(config.saving),
        **_network(config),
        **_optimizer(config, trainer.steps),
        **_course(config, trainer),
        **_dataset(config, examples, folders),
        **_modelspec(name, base, config),
    }
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in entries.items() if value != ""
    }


def _network(config: TrainingConfig) -> dict[str, object]:
    network = config.network
    return {
        "ss_network_module": "networks.lora" if network.kind in ("LoRA", "DoRA") else "lycoris.kohya",
        "ss_network_args": _network_arguments(config),
    }


def _optimizer(config: TrainingConfig, steps: int) -> dict[str, object]:
    optimizer = config.optimizer
    return {
        "ss_unet_lr": optimizer.learning_rate,
        "ss_text_encoder_lr": optimizer.text_rate if config.network.text_encoder else 0.0,
        "ss_optimizer": optimizer.kind + (f"({optimizer.arguments})" if optimizer.arguments else ""),
        "ss_lr_warmup_steps": warmup_steps(optimizer, steps),
        "ss_mixed_precision": {"float16": "fp16", "bfloat16": "bf16", "float32": "no"}.get(config.precision, "auto"),
    }


def _course(config: TrainingConfig, trainer: Trainer) -> dict[str, object]:
    return {
        "ss_steps": trainer.step,
        "ss_max_train_steps": trainer.steps,
        "ss_epoch": trainer.step // trainer.steps_per_epoch,
        "ss_num_epochs": -(-trainer.steps // trainer.steps_per_epoch),
        "ss_num_batches_per_epoch": trainer.batches_per_epoch,
        "ss_total_batch_size": config.batch_size * config.optimizer.accumulation,
    }


def _dataset(config: TrainingConfig, examples: Sequence[Example], folders: dict[str, int]) -> dict[str, object]:
    regular = sum(example.repeats for example in examples if not example.regularisation)
    return {
        "ss_num_train_images": regular,
        "ss_num_reg_images": sum(example.repeats for example in examples) - regular,
        "ss_resolution": f"({config.resolution}, {config.resolution})",
        "ss_enable_bucket": True,
        "ss_cache_latents": True,
        "ss_cache_latents_to_disk": config.cache == "disk",
        "ss_dataset_dirs": {folder: {"n_repeats": 1, "img_count": count} for folder, count in folders.items()},
        "ss_tag_frequency": {"tilewright": _tag_frequency(examples)},
    }


def _modelspec(name: str, base: BaseModel, config: TrainingConfig) -> dict[str, object]:
    return {
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": f"{base.architecture}/lora",
        "modelspec.implementation": "https://github.com/Stability-AI/generative-models",
        "modelspec.title": name,
        "modelspec.resolution": f"{config.resolution}x{config.resolution}",
        "modelspec.prediction_type": "v" if base.prediction == "v" else "epsilon",
        "modelspec.description": config.saving.comment,
    }


def _network_arguments(config: TrainingConfig) -> dict[str, str]:
    network = config.network
    arguments = {"algo": network.kind.lower()} if network.kind in ("LoHa", "LoKr") else {}
    if network.kind == "DoRA":
        arguments["dora_wd"] = "True"
    if network.conv_rank:
        arguments["conv_dim"] = str(network.conv_rank)
        arguments["conv_alpha"] = str(network.alpha * network.conv_rank / network.rank)
    return arguments


def _tag_frequency(examples: Sequence[Example]) -> dict[str, int]:
    tags: Counter[str] = Counter()
    for example in examples:
        tags.update(tag.strip() for tag in example.caption.split(",") if tag.strip())
    return dict(tags)
