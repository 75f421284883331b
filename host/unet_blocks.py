"""Gradient checkpointing and torch.compile for each block of a UNet that trains."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from ..training.memory.plan import EVERYTHING
from ..training.memory.recomputation import recomputed
from .training import SDPA, unet_blocks


def recompute_activations(unet: torch.nn.Module, random: bool = False, what: str = EVERYTHING) -> None:
    """Make each transformer and residual block keep only its input for the backward pass and compute the rest again.

    random: something in the blocks draws random numbers, which must be the same again. what: as `recomputed` of
    `MemoryPlan`.
    """
    for block in unet_blocks(unet):
        block.forward = recomputed(block.forward, what, random)


def compile_blocks(unet: torch.nn.Module, backend: str = "inductor") -> None:
    """Have torch.compile fuse each transformer and residual block when it first runs."""
    compile_each(unet_blocks(unet), backend)


def compile_each(blocks: list[torch.nn.Module], backend: str = "inductor") -> None:
    """Have torch.compile fuse each of these blocks when it first runs."""
    import torch._dynamo

    # Blocks share their source, so to torch they are one function compiled as often as there are blocks and shapes.
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, 8 * len(blocks))
    for block in blocks:
        block.forward = partial(_run_compiled, torch.compile(block.forward, backend=backend, dynamic=False))


def _run_compiled(run: Callable[..., torch.Tensor], *inputs: torch.Tensor, **named: Any) -> torch.Tensor:
    if "transformer_options" in named:  # the UNet notes in them where it is, and each place would be compiled anew
        given = named["transformer_options"]
        kept = {name: given[name] for name in (*SDPA, "patches", "block_type", "activations_shape") if name in given}
        # That there is one tells Krea 2 that text and image are together.
        named["transformer_options"] = kept | ({"block_index": 0} if "block_index" in given else {})
    return run(*inputs, **named)
