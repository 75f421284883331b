"""Ways to train in less memory, from the fastest to the smallest, and the choice among them by a budget."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import torch

from ..config import TrainingConfig
from ..config.budget import GB

NOTHING, BUT_ATTENTION, EVERYTHING = "nothing", "all but attention", "everything"
RECOMPUTED = (NOTHING, BUT_ATTENTION, EVERYTHING)


@dataclass(frozen=True)
class MemoryPlan:
    """How a training spares memory.

    recomputed: what of each block is computed again in the backward pass instead of being kept. eight_bits: the frozen
    weights of the blocks are kept in 8 bits. streamed: so many blocks keep theirs in main memory and copy them to the
    device when they run; without recomputation these would stay there until the backward pass. products: the kinds
    of 8-bit weights with which the device multiplies in 8 bits.
    """

    recomputed: str = NOTHING
    eight_bits: bool = False
    streamed: int = 0
    products: tuple[torch.dtype, ...] = ()

    @classmethod
    def of(cls, config: TrainingConfig) -> "MemoryPlan":
        """The one that `config` asks for by itself."""
        return cls(EVERYTHING if config.gradient_checkpointing else NOTHING)

    def words(self, kinds: Collection[torch.dtype] | None = None) -> str:
        """What is done, in words for an artist, without the last full stop.

        kinds: those of the model's weights where they are in 8 bits; None for such as the device multiplies.
        """
        kept = {
            NOTHING: "",
            BUT_ATTENTION: "activations are computed again in the backward pass, except attention (selective "
            "checkpointing)",
            EVERYTHING: "activations are computed again in the backward pass (gradient checkpointing)",
        }[self.recomputed]
        bits = f"the model is kept in 8 bits{self._multiplied(self.products if kinds is None else kinds)}"
        parts = [kept, bits if self.eight_bits else ""]
        parts.append(f"{self.streamed} blocks of it stream in from main memory" if self.streamed else "")
        return "; ".join(part for part in parts if part) or "plain, nothing has to be spared"

    def _multiplied(self, kinds: Collection[torch.dtype]) -> str:
        if not self.products or not kinds:
            return ""
        whole = sorted({"int8" if kind == torch.int8 else "fp8" for kind in kinds if kind not in self.products})
        if not whole:
            return ", and multiplied in them"
        return (
            f", its {' and '.join(whole)} weights in full precision for each product, since the device multiplies "
            "int8 alone in 8 bits: a bf16 or int8 file of the model trains faster"
        )


@dataclass(frozen=True)
class Footprint:
    """What a training takes of the device's memory at once, in bytes.

    base: the frozen model. lora: its weights, gradients, optimizer states and moving average. activations: what is kept
    for the backward pass, and at the peak the products in between.
    """

    base: int
    lora: int
    activations: int

    @property
    def total(self) -> int:
        return self.base + self.lora + self.activations

    def words(self) -> str:
        """The parts in GB, in words."""
        parts = {"the model": self.base, "the LoRA with its optimizer": self.lora, "activations": self.activations}
        return ", ".join(f"{what} {gigabytes(size)}" for what, size in parts.items() if size)


Predict = Callable[[MemoryPlan], Footprint]


def gigabytes(size: float) -> str:
    """Bytes as GB with one digit, or as MB where that would be none."""
    return f"{size / GB:.1f} GB" if size >= 0.1 * GB else f"{math.ceil(size / 2**20)} MB"


def plans(config: TrainingConfig, products: tuple[torch.dtype, ...] = ()) -> list[MemoryPlan]:
    """The plans without streaming that go with `config`, the fastest and most exact first."""
    kept = [EVERYTHING] if config.gradient_checkpointing else list(RECOMPUTED)
    if config.acceleration != "off" and BUT_ATTENTION in kept:
        kept.remove(BUT_ATTENTION)  # in what is compiled or captured whole, nothing sees where attention begins
    plain = [MemoryPlan(recomputed) for recomputed in kept]
    return plain + [replace(plan, eight_bits=True, products=products) for plan in plain]


def streamed_blocks(streamed: int, blocks: int) -> list[int]:
    """Which of a number of blocks are the streamed ones: evenly among the others, which hide their copies."""
    return [number for number in range(blocks) if (number + 1) * streamed // blocks > number * streamed // blocks]


def chosen_plan(
    possible: Sequence[MemoryPlan], room: float, predict: Predict, blocks: int, streams: bool
) -> tuple[MemoryPlan, Footprint]:
    """The first plan that stays within `room` bytes; else the last one, with as few of its blocks streamed as fit.

    If none does, it is the one that takes least. streams: blocks may be streamed at all.
    """
    found = []
    for plan in possible:
        footprint = predict(plan)
        found.append((footprint.total, plan, footprint))
        if footprint.total <= room:
            return plan, footprint
    least = min(found, key=lambda one: one[0])
    last = possible[-1]
    if not streams or blocks < 3:
        return least[1:]
    all_streamed = replace(last, streamed=blocks)
    smallest = predict(all_streamed)
    if smallest.total > room:
        return (all_streamed, smallest) if smallest.total < least[0] else least[1:]
    return _fewest_streamed(last, room, predict, blocks, smallest, found[-1][0])


def agreed_plan(chosen: Sequence[tuple[MemoryPlan, tuple[torch.dtype, ...]]]) -> MemoryPlan:
    """Of the plans that the processes of one run have chosen the one that spares most, so that it fits all of them.

    Each comes with the products that its process's device has; those that all have are used.
    """
    plan = max((own for own, _ in chosen), key=_sparing)
    if not plan.eight_bits:
        return plan
    return replace(plan, products=tuple(kind for kind in chosen[0][1] if all(kind in own for _, own in chosen)))


def _sparing(plan: MemoryPlan) -> tuple[int, bool, int]:
    """Grows in the order in which `chosen_plan` tries them."""
    return plan.streamed, plan.eight_bits, RECOMPUTED.index(plan.recomputed)


def _fewest_streamed(
    plan: MemoryPlan, room: float, predict: Predict, blocks: int, smallest: Footprint, unstreamed: int
) -> tuple[MemoryPlan, Footprint]:
    """Between all blocks streamed and none, memory grows by about the same with each block."""
    share = (unstreamed - room) / max(1, unstreamed - smallest.total)
    streamed = min(blocks, max(2, math.ceil(share * blocks)))
    while streamed < blocks:
        tried = replace(plan, streamed=streamed)
        footprint = predict(tried)
        if footprint.total <= room:
            return tried, footprint
        streamed = min(blocks, streamed + max(1, blocks // 20))
    return replace(plan, streamed=blocks), smallest
