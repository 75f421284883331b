"""The metadata of a LoRA file, in the keys that kohya's tools and modelspec readers know.

No date and no session number: the same run gives the same file to the last bit.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .config import NetworkConfig, TrainingConfig
from .data import Example
from .flow import FlowSchedule
from .optimizers import warmup_steps
from .settings import metadata_entries

if TYPE_CHECKING:
    from .loop import Trainer

SHARED_ATTENTION = 3  # the version of how maps of a set see each other; in UNets 1 knew no places, 2 only blurred ones
PLAIN_LORA = "networks.lora"  # sd-scripts' own module, beside those of LyCORIS
_PUBLISHED = "https://github.com/Stability-AI/generative-models"
_MIXED_PRECISION = {"float32": "no", "float16": "fp16", "bfloat16": "bf16"}
_LYCORIS_ALGORITHMS: dict[str, dict[str, object]] = {
    "DoRA": {"algo": "lora", "dora_wd": True},
    "LoHa": {"algo": "loha"},
    "LoKr": {"algo": "lokr"},
}


@dataclass(frozen=True)
class BaseModel:
    """The model that a LoRA was trained on, and how it was run.

    version is kohya's name for it ("sd_v1", "sdxl_base_v1-0", "flux1", ...), architecture modelspec's. prediction is
    "eps", "v" or "flow".
    precision: of its frozen weights. clip_skip: the one in force, whether LoRA Objective or the CLIP sets it.
    """

    version: str
    architecture: str
    prediction: str
    precision: str = "float32"
    clip_skip: int = 1


def lora_metadata(name: str, base: BaseModel, config: TrainingConfig, trainer: "Trainer") -> dict[str, str]:
    """The metadata of the LoRA that `trainer` has come to."""
    entries = {
        "ss_v2": base.version.startswith("sd_v2"),
        "ss_base_model_version": base.version,
        "ss_output_name": name,
        **metadata_entries(config),
        **metadata_entries(config.network),
        **metadata_entries(config.optimizer),
        **metadata_entries(config.objective),
        **metadata_entries(config.saving),
        "ss_clip_skip": base.clip_skip,
        "ss_mixed_precision": _MIXED_PRECISION[base.precision],
        **_network(config.network),
        **_optimizer(config, trainer.steps),
        **(_flow(config, trainer) if base.prediction == "flow" else {}),
        **counted_steps(trainer.step, trainer.steps, trainer.steps_per_epoch),
        "ss_num_batches_per_epoch": trainer.batches_per_epoch,
        "ss_total_batch_size": config.batch_size * config.optimizer.accumulation,
        **_dataset(config, trainer),
        **_material_sets(config, trainer.batches.examples),
        **_modelspec(name, base, config),
    }
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in entries.items() if value != ""
    }


def counted_steps(step: int, end: int, steps_per_epoch: int) -> dict[str, int]:
    """What a file after `step` of `end` says of its place in the run. As in sd-scripts, a pass over the set counts when
    it is complete, and the last one where the run ends."""
    epochs = -(-end // max(1, steps_per_epoch))
    return {
        "ss_steps": step,
        "ss_max_train_steps": end,
        "ss_epoch": epochs if step == end else step // max(1, steps_per_epoch),
        "ss_num_epochs": epochs,
    }


def network_module(network: NetworkConfig) -> tuple[str, dict[str, object]]:
    """The module of sd-scripts that trains such a network, and its arguments beside rank and alpha."""
    own = _LYCORIS_ALGORITHMS.get(network.kind, {})
    wide = {"conv_dim": network.conv_rank, "conv_alpha": network.alpha_of(network.conv_rank)}
    return "lycoris.kohya" if own else PLAIN_LORA, own | (wide if network.conv_rank else {})


def _network(network: NetworkConfig) -> dict[str, object]:
    module, arguments = network_module(network)
    values = {name: str(value) for name, value in arguments.items()}
    return {"ss_network_module": module, "ss_network_args": values}


def _optimizer(config: TrainingConfig, steps: int) -> dict[str, object]:
    optimizer = config.optimizer
    return {
        "ss_unet_lr": optimizer.learning_rate,
        "ss_text_encoder_lr": optimizer.text_rate if config.network.text_encoder else 0.0,
        "ss_optimizer": optimizer.kind + (f"({optimizer.arguments})" if optimizer.arguments else ""),
        "ss_lr_warmup_steps": warmup_steps(optimizer, steps),
    }


def _flow(config: TrainingConfig, trainer: "Trainer") -> dict[str, object]:
    schedule, objective = trainer.schedule, config.objective
    assert isinstance(schedule, FlowSchedule)
    return {
        "ss_timestep_sampling": schedule.sampling,
        "ss_discrete_flow_shift": schedule.shift,
        "ss_model_prediction_type": "raw",
        "ss_weighting_scheme": objective.sigma_weighting,
        "ss_guidance_scale": objective.guidance if objective.guidance >= 0 else "",
        "ss_training_adapter": config.network.training_adapter,
    }


def _dataset(config: TrainingConfig, trainer: "Trainer") -> dict[str, object]:
    """Of the images that are trained on: not of those that are only measured, nor of those that cannot be read."""
    examples = trainer.batches.examples
    regular = sum(example.repeats for example in examples if not example.regularisation)
    return {
        "ss_num_train_images": regular,
        "ss_num_reg_images": sum(example.repeats for example in examples) - regular,
        "ss_num_validation_images": len(trainer.measurements.held_out),
        "ss_resolution": f"({config.resolution}, {config.resolution})",
        "ss_enable_bucket": True,
        "ss_cache_latents": True,
        "ss_cache_latents_to_disk": config.cache == "disk",
        "ss_dataset_dirs": _folders(examples),
        "ss_tag_frequency": {"tilewright": _tag_frequency(examples)},
    }


def _material_sets(config: TrainingConfig, examples: Sequence[Example]) -> dict[str, object]:
    """That the maps of a material were trained on together, and which: what Material Set Model reads."""
    if not config.objective.is_together:
        return {}
    maps = dict.fromkeys(example.map for example in examples if example.material_set)
    return {"tw_maps": ",".join(maps), "tw_shared_attention": SHARED_ATTENTION}


def _folders(examples: Sequence[Example]) -> dict[str, dict[str, int]]:
    """Repeats and number of images by folder; where repeats differ inside one, by kohya's name "repeats_folder"."""
    counts = Counter((example.folder, example.repeats) for example in examples)
    mixed = {folder for folder, times in Counter(folder for folder, _ in counts).items() if times > 1}
    return {
        f"{repeats}_{folder}" if folder in mixed else folder: {"n_repeats": repeats, "img_count": count}
        for (folder, repeats), count in counts.items()
    }


def _modelspec(name: str, base: BaseModel, config: TrainingConfig) -> dict[str, object]:
    names_as_published = base.version.startswith("sdxl")  # those of SD1 and SD2 LoRAs are diffusers'
    implementation = _PUBLISHED if names_as_published else "" if base.prediction == "flow" else "diffusers"
    return {
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": f"{base.architecture}/lora",
        "modelspec.implementation": implementation,
        "modelspec.title": name,
        "modelspec.resolution": f"{config.resolution}x{config.resolution}",
        "modelspec.prediction_type": {"v": "v", "flow": ""}.get(base.prediction, "epsilon"),
        "modelspec.description": config.saving.comment,
    }


def _tag_frequency(examples: Sequence[Example]) -> dict[str, int]:
    tags: Counter[str] = Counter()
    for example in examples:
        tags.update(tag.strip() for tag in example.caption.split(",") if tag.strip())
    return dict(tags)
