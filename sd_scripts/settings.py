"""From Tilewright's configuration to the arguments of sd-scripts, by their names there.

Where both have the same default the argument is left out, so that a script which does not know it still runs. What
sd-scripts cannot do is refused, never silently dropped.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.buckets import Buckets
from ..common.errors import InputError
from ..training.config import ObjectiveConfig, OptimizerConfig, SavingConfig, TrainingConfig
from ..training.flow import check_diffusion_objective
from ..training.optimizers import check_warmup, optimizer_arguments, warmup_steps
from ..training.settings import check_settings, kohya_arguments, setting
from .flow_settings import flow_arguments
from .tasks import CONTROLNET, SDXL, Job, learning_rates, network_settings

ATTENTIONS = {"sdpa": "sdpa", "xformers": "xformers", "memory-efficient": "mem_eff_attn", "plain": None}
CACHES = ("memory", "disk", "off")
FILE_FORMATS = ("safetensors", "ckpt")
PRECISIONS = {"float32": ("no", "float"), "float16": ("fp16", "fp16"), "bfloat16": ("bf16", "bf16")}
SCHEDULERS = {
    "constant": "constant",
    "constant with warmup": "constant_with_warmup",
    "linear": "linear",
    "cosine": "cosine",
    "cosine with restarts": "cosine_with_restarts",
    "polynomial": "polynomial",
}
OPTIMIZERS = {
    "AdamW": "AdamW",
    "AdamW 8-bit": "AdamW8bit",
    "Adafactor": "AdaFactor",
    "Lion": "Lion",
    "Prodigy": "Prodigy",
    "D-Adaptation": "DAdaptAdam",
}
_HINT_FILE = re.compile(r"--cn\b", re.IGNORECASE)
_SEEDS = 2**32  # sd-scripts seeds NumPy, which takes no more
_BUCKET_STEP = 64  # its own default


@dataclass(frozen=True)
class KohyaOptions:
    """What only sd-scripts has. precision is the frozen model's: float32, bfloat16 or float16."""

    cache: str = setting(
        "memory",
        "Encode each image once. Disk is for sets that memory does not hold, off for colour augmentation.",
        choices=CACHES,
        widget="cache_latents",
        optional=True,
        advanced=True,
    )
    buckets: bool = setting(
        True,
        "Keep the proportions of images that are not square. Off crops them to squares.",
        optional=True,
        advanced=True,
        label="enable_bucket",
    )
    flip: bool = setting(
        False,
        "Mirror half of the images. Not for normal maps, whose green or red would then be wrong, for writing, nor "
        "for a ControlNet.",
        widget="flip_augmentation",
        kohya="flip_aug",
        optional=True,
        advanced=True,
    )
    color_changes: bool = setting(
        False,
        "Vary hue and gamma a little at every step. Not for data maps; needs cache_latents off.",
        widget="color_augmentation",
        kohya="color_aug",
        optional=True,
        advanced=True,
    )
    attention: str = setting(
        "sdpa",
        "sdpa is PyTorch's own and always there; xformers needs its package.",
        choices=tuple(ATTENTIONS),
        optional=True,
        advanced=True,
    )
    half_gradients: bool = setting(
        False,
        "Keep the trained weights in half precision too. Saves memory, costs accuracy.",
        optional=True,
        advanced=True,
    )
    workers: int = setting(
        0,
        "Processes that load images. 0 loads in the training process: enough with cached latents.",
        within=(0, 64),
        kohya="max_data_loader_n_workers",
        kohya_default=None,
        optional=True,
        advanced=True,
        label="max_data_loader_n_workers",
    )
    threads: int = setting(
        0,
        "CPU threads of each process; 0 leaves the choice to PyTorch.",
        within=(0, 1024),
        optional=True,
        advanced=True,
        label="num_cpu_threads_per_process",
    )
    file_format: str = setting(
        "safetensors",
        "safetensors loads fast and cannot carry code. ckpt is for old tools.",
        choices=FILE_FORMATS,
        optional=True,
        advanced=True,
        label="save_model_as",
    )
    tensorboard: bool = setting(
        False,
        "Write a TensorBoard log to output/training/<name>/logs. Needs the package tensorboard. (kohya: logging_dir)",
        optional=True,
        advanced=True,
    )
    precision: str = "float32"
    vae: Path | None = None

    def __post_init__(self) -> None:
        check_settings(self)


def script_settings(job: Job, config: TrainingConfig, options: KohyaOptions, buckets: Buckets) -> dict[str, Any]:
    """Every argument that does not name a file of the run. Raises `InputError` for what sd-scripts cannot do."""
    _refuse(job, config, options)
    settings = {
        **job.model_settings(),
        **kohya_arguments(config),
        **kohya_arguments(config.optimizer),
        **kohya_arguments(config.objective),
        **kohya_arguments(config.saving),
        **kohya_arguments(options),
        **_course(config),
        **_memory(job, config, options),
        **_images(config, options, buckets),
        **network_settings(job, config),
        **learning_rates(job, config),
        **_optimizer(config.optimizer, config.steps),
        **_loss(config.objective),
        **_saving(job, config.saving, options),
        **(flow_arguments(job, config) if job.flow else {}),
    }
    return {name: value for name, value in settings.items() if value is not None and value is not False}


def _refuse(job: Job, config: TrainingConfig, options: KohyaOptions) -> None:
    objective = config.objective
    if not job.flow:
        check_diffusion_objective(objective)
    elif options.attention != "sdpa":
        raise InputError(
            f"attention is {options.attention!r}, but {job.family} always uses PyTorch's own. Set it to sdpa."
        )
    elif not job.takes_ckpt and options.file_format == "ckpt":
        raise InputError(f"save_model_as (file_format) is ckpt, but {job.script} writes safetensors only. Choose that.")
    if objective.masked and (job.reads_metadata_file or job.task == CONTROLNET):
        raise InputError(
            f"alpha_mask (masked) is on, but {job.script} has no mask. Switch it off; DreamBooth and LoRAs have one."
        )
    impossible = {
        "tiling (wrap) is on": objective.wrap == "on",
        "texture loss weight (style) is not 0": objective.style > 0,
        "EMA decay (ema) is not 0": config.optimizer.ema > 0,
        "maps is together": objective.is_together,
        "a training adapter is chosen": bool(config.network.training_adapter),
    }
    asked = [words for words, holds in impossible.items() if holds]
    if asked:
        raise InputError(
            f"{' and '.join(asked)}, but sd-scripts does not support that. Reset it, or use Train Texture LoRA."
        )
    if options.color_changes and options.cache != "off":
        raise InputError(
            "color_augmentation changes the images at every step, so their latents cannot be cached. Set cache_latents "
            "to off, or switch it off."
        )
    if options.half_gradients and options.precision == "float32":
        raise InputError("half_gradients needs a half precision. Set precision to bfloat16 or float16.")
    if not config.epochs:
        check_warmup(config.optimizer, config.steps)


def _course(config: TrainingConfig) -> dict[str, Any]:
    length = {"max_train_epochs": config.epochs} if config.epochs else {"max_train_steps": config.steps}
    return {**length, "seed": config.seed % _SEEDS}


def _memory(job: Job, config: TrainingConfig, options: KohyaOptions) -> dict[str, Any]:
    mixed, _ = PRECISIONS[options.precision]
    attention = None if job.flow else ATTENTIONS[options.attention]
    return {
        "mixed_precision": mixed,
        "full_fp16": options.half_gradients and mixed == "fp16",
        "full_bf16": options.half_gradients and mixed == "bf16",
        "no_half_vae": job.family == SDXL and mixed == "fp16",  # SDXL's VAE overflows in float16
        "cache_latents": options.cache != "off",
        "cache_latents_to_disk": options.cache == "disk",
        **({attention: True} if attention else {}),
    }


def _buckets(buckets: Buckets, resolution: int) -> dict[str, Any]:
    shortest, longest = buckets.limits(resolution)
    return {
        "enable_bucket": True,
        "min_bucket_reso": shortest,
        "max_bucket_reso": max(longest, resolution),  # sd-scripts takes no less
        "bucket_reso_steps": None if buckets.step == _BUCKET_STEP else buckets.step,
        "bucket_no_upscale": not buckets.upscale,
    }


def _images(config: TrainingConfig, options: KohyaOptions, buckets: Buckets) -> dict[str, Any]:
    side = config.resolution
    return {
        "resolution": f"{side},{side}",
        **(_buckets(buckets, side) if options.buckets else {}),
        "persistent_data_loader_workers": options.workers > 0,
    }


def _optimizer(config: OptimizerConfig, steps: int) -> dict[str, Any]:
    arguments = optimizer_arguments(config)
    if "betas" in arguments:
        arguments["betas"] = ",".join(str(beta) for beta in arguments["betas"])
    warmup = config.warmup if 0 < config.warmup < 1 else warmup_steps(config, steps)
    return {
        "optimizer_type": OPTIMIZERS[config.kind],
        "optimizer_args": [f"{name}={value}" for name, value in arguments.items()],
        "lr_scheduler": SCHEDULERS[config.scheduler],
        "lr_warmup_steps": warmup if config.scheduler != "constant" else 0,
        "lr_scheduler_num_cycles": config.cycles if config.scheduler == "cosine with restarts" else None,
        "lr_scheduler_power": config.power if config.scheduler == "polynomial" else None,
    }


def _loss(objective: ObjectiveConfig) -> dict[str, Any]:
    huber = {"loss_type": "huber", "huber_schedule": "constant", "huber_c": objective.huber_delta}
    return {"mse": {}, "l1": {"loss_type": "l1"}, "huber": huber}[objective.loss]


def _saving(job: Job, saving: SavingConfig, options: KohyaOptions) -> dict[str, Any]:
    states = {"save_state": True, "save_state_on_train_end": True, "save_last_n_steps_state": 1}
    return {
        "save_model_as": options.file_format if job.takes_ckpt else "safetensors",
        "save_precision": PRECISIONS[saving.precision][1],
        "save_every_n_steps": saving.every_steps or saving.state_every,  # what a cancelled run can fall back on
        **(states if saving.resume and job.resumes else {}),
    }


def sample_prompts(config: TrainingConfig) -> str:
    """The file of prompts that sd-scripts samples, one a line; a prompt with options of its own keeps them.

    Raises `InputError` for --cn, which would let a workflow from elsewhere name a file.
    """
    side, seed = config.resolution, config.seed % _SEEDS
    lines = []
    for number, prompt in enumerate(config.saving.sample_prompts()):
        if _HINT_FILE.search(prompt):
            raise InputError(f"The prompt {prompt!r} names a file with --cn. Leave it out: samples are drawn without.")
        options = "" if " --" in prompt else f" --w {side} --h {side} --d {(seed + number) % _SEEDS} --s 20"
        lines.append(f" {prompt}{options}\n")  # the space keeps a prompt that begins with # from being a comment
    return "".join(lines)


OPTIONAL = ("training_comment", "metadata_trigger_phrase")
"""Arguments that are left out where a script does not know them: notes in a file."""


def known_settings(settings: Mapping[str, Any], known: frozenset[str], script: str) -> dict[str, Any]:
    """`settings` without optional ones that a script does not know. Raises `InputError` for others unknown to it."""
    unknown = [name for name in settings if name not in known and name not in OPTIONAL]
    if unknown:
        raise InputError(
            f"{script} of this checkout does not know {', '.join(f'--{name}' for name in unknown)}. The help page says "
            "which input asks for it: set that back to its default, or update the checkout."
        )
    return {name: value for name, value in settings.items() if name in known}
