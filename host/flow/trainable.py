"""What keeps the host's transformers from being trained, set right.

Its blocks add to their inputs in place, which overwrites what norms keep for the backward pass; block-wise
recomputation then starts from overwritten inputs, and torch notices nothing. Some of its kernels have no gradient.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import comfy.model_management
import comfy.quant_ops
import torch

from ...training.memory.plan import EVERYTHING
from ...training.memory.recomputation import recomputed

_RESIDUAL_NORMS = ("img_norm1", "img_norm2", "txt_norm1", "txt_norm2", "pre_norm")  # they read what is added to
_RESIDUALS = ("img", "txt", "x")  # a block's arguments that it adds to


_before: list[dict[str, Any]] = []  # what the host had when training began


@contextmanager
def training_mode() -> Iterator[None]:
    """The host as it must be while something trains, and after that as it was.

    In training it takes paths that autograd can pass through, and rotary kernels that have a gradient.
    """
    with _host_set(True, _rotations_with_gradient()):
        yield


@contextmanager
def sampling_mode() -> Iterator[None]:
    """Within `training_mode`, the host as it is without: for pictures and texts on the way."""
    with _host_set(False, _before[0] if _before else {}):
        yield


@contextmanager
def _host_set(training: bool, kernels: dict[str, Any]) -> Iterator[None]:
    management, library = comfy.model_management, comfy.quant_ops.ck
    was_training, replaced = management.in_training, {name: getattr(library, name) for name in kernels}
    _before.append(replaced)
    management.in_training = training
    for name, kernel in kernels.items():
        setattr(library, name, kernel)
    try:
        yield
    finally:
        _before.pop()
        management.in_training = was_training
        for name, kernel in replaced.items():
            setattr(library, name, kernel)


def _rotations_with_gradient() -> dict[str, Any]:
    """The kernel library's own formulas in plain torch, by the names of its kernels."""
    try:
        from comfy_kitchen.backends.eager import rope
    except ImportError:  # then the host has no such kernels either
        return {}
    names = [name for name in vars(rope) if name.startswith(("apply_rope", "rms_rope")) and not name.endswith("_")]
    return {name: getattr(rope, name) for name in names if hasattr(comfy.quant_ops.ck, name)}


def keep_residuals(network: torch.nn.Module, lists: tuple[str, ...]) -> None:
    """Let the norms of in-place blocks read a copy, so that what they keep for the backward pass stays what it was."""
    for block in blocks_of(network, lists):
        for name in _RESIDUAL_NORMS:
            norm = getattr(block, name, None)
            if norm is not None:
                norm.forward = partial(_of_copy, norm.forward)


def recompute_blocks(
    network: torch.nn.Module, lists: tuple[str, ...], random: bool = False, what: str = EVERYTHING
) -> None:
    """Make each block keep only its input for the backward pass and compute the rest again, from a copy of the input.

    random: something in the blocks draws random numbers, which must be the same again. what: as `recomputed` of
    `MemoryPlan`.
    """
    for block in blocks_of(network, lists):
        block.forward = recomputed(partial(_from_copies, block.forward), what, random)


def blocks_of(network: torch.nn.Module, lists: tuple[str, ...]) -> list[torch.nn.Module]:
    """The transformer blocks of a network, in the order of its lists."""
    return [block for name in lists for block in getattr(network, name)]


def _of_copy(forward: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    return forward(x.clone())


def _from_copies(forward: Callable[..., Any], *inputs: Any, **named: Any) -> Any:
    copies = [value.clone() if isinstance(value, torch.Tensor) and value.ndim == 3 else value for value in inputs]
    clones = {name: named[name].clone() for name in _RESIDUALS if isinstance(named.get(name), torch.Tensor)}
    return forward(*copies, **{**named, **clones})
