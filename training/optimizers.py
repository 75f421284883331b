"""The optimizers by name, and their learning-rate schedule."""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch.utils._pytree import tree_leaves

from .config import ConfigError, OptimizerConfig

LIBRARIES = {  # kind -> (module, class, package to install)
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
_REFUSALS = (TypeError, ValueError, RuntimeError, AssertionError, NotImplementedError)


def optimizer_arguments(config: OptimizerConfig) -> dict[str, Any]:
    """All that the optimizer's class is given beside the learning rate; sd-scripts is given the same."""
    betas = {"betas": config.betas} if config.kind != "Adafactor" else {}
    own = _DEFAULTS.get(config.kind, {})
    return {"weight_decay": config.weight_decay, **betas, **own, **config.extra_arguments()}


def build_optimizer(groups: list[dict[str, Any]], config: OptimizerConfig) -> torch.optim.Optimizer:
    """The optimizer for parameter groups with their own "lr".

    Raises `ConfigError` where its library is missing or does not take the arguments.
    """
    arguments = {"lr": config.learning_rate, **optimizer_arguments(config)}
    if config.kind == "AdamW":
        arguments.setdefault("fused", fused_adamw_works(groups[0]["params"][0].device))
    build = _optimizer_class(config.kind)
    try:
        return build(groups, **arguments)
    except _REFUSALS as error:
        raise ConfigError(_refusal(config, str(error))) from None


def check_optimizer(config: OptimizerConfig, device: torch.device) -> None:
    """Raise `ConfigError` for an optimizer that cannot be built with its arguments, or make a step on `device`."""
    parameter = torch.nn.Parameter(torch.ones(2, 2, device=device))
    optimizer = build_optimizer([{"params": [parameter], "lr": config.learning_rate}], config)
    parameter.grad = torch.ones_like(parameter)
    try:
        optimizer.step()
    except _REFUSALS as error:
        raise ConfigError(_refusal(config, str(error))) from None
    if not (parameter.isfinite() & (parameter <= 1)).all():
        raise ConfigError(_refusal(config, "with them a step goes up the gradient, or to no number"))


def state_share(config: OptimizerConfig, device: torch.device) -> float:
    """How many bytes the optimizer remembers for each byte of trained weights, after a step on `device`."""
    with torch.inference_mode(False):
        parameter = torch.nn.Parameter(torch.ones(256, 256, device=device))
        optimizer = build_optimizer([{"params": [parameter], "lr": config.learning_rate}], config)
        parameter.grad = torch.ones_like(parameter)
        optimizer.step()
    states = tree_leaves(list(optimizer.state.values()))
    return sum(value.nbytes for value in states if isinstance(value, torch.Tensor)) / parameter.nbytes


@cache
def fused_adamw_works(device: torch.device) -> bool:
    """Whether torch fuses AdamW's step on `device`, and such a step leaves the weights alone where `found_inf` says so.

    The latter is what lets a GPU run ahead of the check for non-finite gradients.
    """
    with torch.inference_mode(False), torch.no_grad():
        parameter = torch.nn.Parameter(torch.ones(2, device=device))
        parameter.grad = torch.ones_like(parameter)
        try:
            optimizer = torch.optim.AdamW([parameter], fused=True)
            optimizer.found_inf = torch.ones((), device=device)  # type: ignore[attr-defined]
            optimizer.step()
        except _REFUSALS:  # an older torch, or a device that it does not fuse on
            return False
        return bool((parameter == 1).all())


def _refusal(config: OptimizerConfig, reason: str) -> str:
    given = f" {config.arguments!r}" if config.arguments else ""
    return (
        f"The optimizer {config.kind} does not take these arguments{given}: {reason}. Correct arguments of LoRA "
        "Optimizer, or leave it empty."
    )


def _optimizer_class(kind: str) -> Callable[..., torch.optim.Optimizer]:
    if kind == "AdamW":
        return torch.optim.AdamW
    import importlib

    module, name, package = LIBRARIES[kind]
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


def check_warmup(config: OptimizerConfig, steps: int) -> None:
    """Raise `ConfigError` for a warmup that a run of `steps` does not reach the end of."""
    warmup = warmup_steps(config, steps)
    if warmup and warmup >= steps:
        raise ConfigError(
            f"lr_warmup_steps (warmup) is {warmup} steps and the run has {steps}, so the learning rate would never be "
            "reached. Lower it, or give it as a share of the run, such as 0.05."
        )


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
