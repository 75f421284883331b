"""Transformer blocks whose frozen weights stay in main memory and are copied to the device when the block runs.

The copies are the host's: its streams beside the computation, its pinned memory (comfy.model_management).
"""

import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import comfy.model_management
import torch

from ..training.memory.plan import MemoryPlan, streamed_blocks

_Arrived = tuple[list[torch.Tensor], Any]


def streams(shape: Sequence[int]) -> bool:
    """Whether a tensor of a streamed block stays in main memory, by its shape: all but biases and norms' scales."""
    return len(shape) >= 2


class _Weight:
    """One tensor of a block: the place where its module has it, and itself as it is kept in main memory."""

    def __init__(self, places: dict[str, Any], name: str) -> None:
        self.places, self.name, self.kept = places, name, places[name]


class BlockStream:
    """Runs `blocks` with weights that come from main memory, those of the next one while one computes.

    In the forward pass the next one is the following block, in the backward pass, where each is computed again, the one
    before. At most two blocks' weights are on the device; autograd keeps none, for which each block must be recomputed.
    """

    def __init__(self, blocks: Sequence[torch.nn.Module], device: torch.device) -> None:
        self.device = device
        self.weights = [_weights(block) for block in blocks]
        self.arriving: dict[int, _Arrived] = {}
        self.last, self.rising = -1, True
        for number, block in enumerate(blocks):
            block.forward = partial(self.run, number, block.forward)
        kept = [weight.kept for weights in self.weights for weight in weights]
        pinned = [value for value in kept if device.type != "cpu" and comfy.model_management.pin_memory(value.data)]
        weakref.finalize(self, _unpin, pinned)

    def run(self, number: int, forward: Callable[..., Any], *inputs: Any, **named: Any) -> Any:
        """Block `number`, by its own `forward`, with its weights on the device."""
        following = self._following(number)
        for other in [other for other in self.arriving if other not in (number, following)]:
            del self.arriving[other]
        self._bring(number)
        self._bring(following)
        values, stream = self.arriving[number]
        comfy.model_management.sync_stream(self.device, stream)
        for weight, value in zip(self.weights[number], values, strict=True):
            if stream is not None:
                value.record_stream(comfy.model_management.current_stream(self.device))
            weight.places[weight.name] = value
        try:
            return forward(*inputs, **named)
        finally:  # also where a recomputation ends early, once it has what it needs
            for weight in self.weights[number]:
                weight.places[weight.name] = weight.kept
            if following != number:
                del self.arriving[number]

    def _following(self, number: int) -> int:
        """The block that runs after this one, as far as that can be known."""
        last, end = self.last, len(self.weights) - 1
        self.rising = number == 0 if number == last else number > last or (number == 0 and last == end)
        self.last = number
        return min(number + 1, end) if self.rising else max(number - 1, 0)

    def _bring(self, number: int) -> None:
        """Begin to copy a block's weights, unless they are there or on their way."""
        if number in self.arriving:
            return
        management = comfy.model_management
        stream = management.get_offload_stream(self.device)
        waits = not management.device_supports_non_blocking(self.device)
        values = [
            management.cast_to(weight.kept, device=self.device, non_blocking=not waits, copy=True, stream=stream)
            for weight in self.weights[number]
        ]
        self.arriving[number] = values, stream


def stream_blocks(blocks: Sequence[torch.nn.Module], plan: MemoryPlan, device: torch.device) -> None:
    """Let those of `blocks` that `plan` streams bring their weights to `device` when they run."""
    if plan.streamed:
        BlockStream([blocks[number] for number in streamed_blocks(plan.streamed, len(blocks))], device)


def _weights(block: torch.nn.Module) -> list[_Weight]:
    stores = [store for module in block.modules() for store in (module._parameters, module._buffers)]
    found = [
        (store, name) for store in stores for name, value in store.items() if value is not None and streams(value.shape)
    ]
    return [_Weight(store, name) for store, name in found]


def _unpin(pinned: list[torch.Tensor]) -> None:
    for value in pinned:
        comfy.model_management.unpin_memory(value)
