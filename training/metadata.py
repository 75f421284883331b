"""What a LoRA file says about itself, in the keys that kohya's tools and the modelspec readers know.

No date and no session number: the same run gives the same file to the last bit.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .config import TrainingConfig
from .data import Example


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
    step: int,
    epochs: int,
) -> dict[str, str]:
    """The metadata of a LoRA after `step` steps. folders counts the images of each dataset folder by its name."""
    side = config.resolution
    entries = {
        "ss_v2": base.version.startswith("sd_v2"),
        "ss_base_model_version": base.version,
        "ss_output_name": name,
        "ss_network_module": "networks.lora",
        "ss_network_dim": config.network.rank,
        "ss_network_alpha": config.network.alpha,
        "ss_network_args": {},
        "ss_learning_rate": config.optimizer.learning_rate,
        "ss_unet_lr": config.optimizer.learning_rate,
        "ss_optimizer": "torch.optim.AdamW",
        "ss_seed": config.seed,
        "ss_steps": step,
        "ss_max_train_steps": config.steps,
        "ss_epoch": epochs,
        "ss_num_train_images": sum(example.repeats for example in examples),
        "ss_batch_size_per_device": config.batch_size,
        "ss_total_batch_size": config.batch_size,
        "ss_resolution": f"({side}, {side})",
        "ss_cache_latents": True,
        "ss_mixed_precision": "no",
        "ss_dataset_dirs": {folder: {"n_repeats": 1, "img_count": count} for folder, count in folders.items()},
        "ss_tag_frequency": {"tilewright": _tag_frequency(examples)},
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": f"{base.architecture}/lora",
        "modelspec.implementation": "https://github.com/Stability-AI/generative-models",
        "modelspec.title": name,
        "modelspec.resolution": f"{side}x{side}",
        "modelspec.prediction_type": "v" if base.prediction == "v" else "epsilon",
    }
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in entries.items()}


def _tag_frequency(examples: Sequence[Example]) -> dict[str, int]:
    tags: Counter[str] = Counter()
    for example in examples:
        tags.update(tag.strip() for tag in example.caption.split(",") if tag.strip())
    return dict(tags)
