"""The optimizers by name, and the course of their learning rate."""

import math
from collections.abc import Callable
from typing import Any

import torch

from .config import ConfigError, OptimizerConfig

_LIBRARIES = {  # kind -> (module, class, package to install)
    "AdamW 8-bit": ("bitsandbytes.optim", "AdamW8bit", "bitsandbytes"),
    "Adafactor": ("transformers.optimization", "Adafactor", "transformers"),
    "Lion": ("lion_pytorch", "Lion", "lion-pytorch"),
    "Prodigy": ("prodigyopt", "Prodigy", "prodigyopt"),
    "D-Adaptation": ("dadaptation", "DAdaptAdam", "dadaptation"),
}
_DEFAULTS: dict[str, dict[str, Any]] = {
    "Adafactor": {"scale_parameter": False, "relative_step": False, "warmup_init": False},
    "Prodigy": {"use_bias_correction": True, "safeguard_warmup": True},
    "D-Adaptation": {"decouple": True},
}


def build_optimizer(groups: list[dict[str, Any]], config: OptimizerConfig) -> torch.optim.Optimizer:
    """The optimizer for parameter groups with their own "lr". Raises `ConfigError` where its library is missing."""
    arguments = {"lr": config.learning_rate, "weight_decay": config.weight_decay}
    if config.kind != "Adafactor":
        arguments["betas"] = config.betas
    arguments.update(_DEFAULTS.get(config.kind, {}))
    if config.kind == "AdamW":
        arguments["fused"] = True
    arguments.update(config.extra_arguments())
    try:
        return _optimizer_class(config.kind)(groups, **arguments)
    except TypeError as error:
        raise ConfigError(f"The optimizer {config.kind} does not take these arguments: {error}.") from None


def _optimizer_class(kind: str) -> Callable[..., torch.optim.Optimizer]:
    if kind == "AdamW":
        return torch.optim.AdamW
    import importlib

    module, name, package = _LIBRARIES[kind]
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError:
        raise ConfigError(
            f"The optimizer {kind} needs the Python package {package}, which is not installed. Install it in ComfyUI's "
            "Python and start ComfyUI again, or choose AdamW."
        ) from None


def warmup_steps(config: OptimizerConfig, steps: int) -> int:
    """The warmup in steps, whether it was given as steps or as a share of the run."""
    if config.scheduler == "constant":
        return 0
    return round(config.warmup * steps) if config.warmup < 1 else int(config.warmup)


def rate_factor(config: OptimizerConfig, step: int, steps: int) -> float:
    """What the learning rate is multiplied with at `step` (from 0) of `steps`."""
    warmup = warmup_steps(config, steps)
    if step < warmup:
        return (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - warmup)
    if config.scheduler == "linear":
        return 1 - progress
    if config.scheduler == "cosine":
        return 0.5 + 0.5 * math.cos(math.pi * progress)
    if config.scheduler == "cosine with restarts":
        return 0.5 + 0.5 * math.cos(math.pi * (progress * config.cycles % 1))
    if config.scheduler == "polynomial":
        return (1 - progress) ** config.power
    return 1.0
