"""What the trainer reads: cached latents with their text, and the order in which they come."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch

from .randomness import generator


@dataclass(frozen=True)
class Conditioning:
    """What the denoiser is told beside the noisy latents: context (B, L, D), and for SDXL a vector (B, A)."""

    context: torch.Tensor
    vector: torch.Tensor | None = None

    @classmethod
    def stack(cls, parts: Sequence["Conditioning"]) -> "Conditioning":
        """One batch of several. A shorter context is repeated to a common length, which attention cannot tell."""
        length = math.lcm(*(part.context.shape[1] for part in parts))
        context = torch.cat([part.context.repeat(1, length // part.context.shape[1], 1) for part in parts])
        vectors = [part.vector for part in parts if part.vector is not None]
        return cls(context, torch.cat(vectors) if vectors else None)

    def to(self, device: torch.device, dtype: torch.dtype) -> "Conditioning":
        vector = None if self.vector is None else self.vector.to(device, dtype)
        return Conditioning(self.context.to(device, dtype), vector)


@dataclass(frozen=True)
class Example:
    """One training image: latent (C, H, W), already in the scale the denoiser works in, and its encoded caption.

    An epoch visits it `repeats` times. tileable: the latent closes on itself, so it may be rolled.
    """

    latent: torch.Tensor
    conditioning: Conditioning
    caption: str = ""
    repeats: int = 1
    tileable: bool = False


class BatchOrder:
    """Which examples each step trains on.

    An epoch is a shuffle of every example, as often as it repeats, cut into batches of latents of one size. The
    last batch of a size is filled up from the start of that size's shuffle, so that every batch is full. Nothing is
    remembered between calls: a resumed run asks for the step it stopped at.
    """

    def __init__(self, examples: Sequence[Example], batch_size: int, seed: int) -> None:
        self.batch_size = batch_size
        self.seed = seed
        self.sizes: dict[tuple[int, ...], list[int]] = {}
        for index, example in enumerate(examples):
            self.sizes.setdefault(tuple(example.latent.shape[-2:]), []).extend([index] * example.repeats)

    @property
    def batches_per_epoch(self) -> int:
        return sum(math.ceil(len(members) / self.batch_size) for members in self.sizes.values())

    def batch(self, step: int) -> list[int]:
        """Indices of the `batch_size` examples of `step`, counted from 0."""
        epoch, position = divmod(step, self.batches_per_epoch)
        return self._epoch(epoch)[position]

    @lru_cache(maxsize=1)  # noqa: B019 - the order lives as long as the run
    def _epoch(self, epoch: int) -> list[list[int]]:
        draw = generator(self.seed, "order", epoch)
        batches = [batch for members in self.sizes.values() for batch in self._shuffled_batches(members, draw)]
        return [batches[i] for i in torch.randperm(len(batches), generator=draw)]

    def _shuffled_batches(self, members: list[int], draw: torch.Generator) -> list[list[int]]:
        shuffled = [members[i] for i in torch.randperm(len(members), generator=draw)]
        count = math.ceil(len(members) / self.batch_size)
        filled = [shuffled[i % len(shuffled)] for i in range(count * self.batch_size)]
        return [filled[i : i + self.batch_size] for i in range(0, len(filled), self.batch_size)]


def roll_latents(latents: torch.Tensor, tileable: Sequence[bool], draw: torch.Generator) -> torch.Tensor:
    """Each tileable row of (B, C, H, W) shifted along both axes by random whole latent pixels, wrapping."""
    height, width = latents.shape[-2:]
    rows = torch.randint(0, height, (len(latents),), generator=draw).tolist()
    columns = torch.randint(0, width, (len(latents),), generator=draw).tolist()
    shifted = [
        latent.roll((row, column), (-2, -1)) if wraps else latent
        for latent, row, column, wraps in zip(latents, rows, columns, tileable, strict=True)
    ]
    return torch.stack(shifted)
