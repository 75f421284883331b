"""What the trainer reads: cached latents with their text, and the order in which they come."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch

from .randomness import generator


@dataclass(frozen=True)
class Conditioning:
    """What the denoiser takes beside the noisy latents: context (B, L, D), and for SDXL a vector (B, A)."""

    context: torch.Tensor
    vector: torch.Tensor | None = None

    @classmethod
    def stack(cls, parts: Sequence["Conditioning"]) -> "Conditioning":
        """One batch of several. Shorter contexts are repeated to a common length, which does not change attention."""
        length = math.lcm(*(part.context.shape[1] for part in parts))
        context = torch.cat([part.context.repeat(1, length // part.context.shape[1], 1) for part in parts])
        vectors = [part.vector for part in parts if part.vector is not None]
        return cls(context, torch.cat(vectors) if vectors else None)

    def named(self) -> dict[str, torch.Tensor]:
        """Its tensors by name."""
        return {"context": self.context} | ({} if self.vector is None else {"vector": self.vector})

    def to(self, device: torch.device, dtype: torch.dtype) -> "Conditioning":
        return self._each(lambda tensor: tensor.to(device, dtype))

    def moved(self, device: torch.device) -> "Conditioning":
        """Copied from the CPU to `device`, without waiting for what a GPU is still computing."""
        if device.type != "cuda":
            return self._each(lambda tensor: tensor.to(device))
        return self._each(lambda tensor: tensor.pin_memory().to(device, non_blocking=True))

    def _each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "Conditioning":
        return Conditioning(change(self.context), None if self.vector is None else change(self.vector))


@dataclass(frozen=True)
class Example:
    """One training image: latent (C, H, W), already in the scale the denoiser works in, and its caption.

    size is (width, height) in pixels of what was encoded. An epoch visits it `repeats` times. tileable: the latent
    closes on itself, so it may be rolled. regularisation: it shows the class, not the subject. mask (1, H, W) is
    the share of each latent pixel that counts, None for all of it. material: what its other views share, "" for none.
    folder: name of the folder that the image lies in. material_set: which set of maps it belongs to, "" for none; map
    is its kind there, and map_word what its caption keeps when it is dropped.
    """

    latent: torch.Tensor
    caption: str
    size: tuple[int, int]
    repeats: int = 1
    tileable: bool = False
    regularisation: bool = False
    mask: torch.Tensor | None = None
    material: str = ""
    folder: str = ""
    material_set: str = ""
    map: str = ""
    map_word: str = ""


Unit = tuple[int, ...]
"""Indices of the examples that come together: one image, or all maps of a material"""


class BatchOrder:
    """Which examples each step trains on.

    An epoch is a shuffle of every example, as often as it repeats, cut into batches of latents of one size. The
    last batch of a size is filled up from the start of that size's shuffle, so that every batch is full. Nothing is
    remembered between calls: a resumed run asks for the step it stopped at. units: what comes together, as
    `material_sets` gives it; each image by itself where nothing is said. Units of unlike maps are not mixed.
    """

    def __init__(
        self, examples: Sequence[Example], batch_size: int, seed: int, units: Sequence[Unit] | None = None
    ) -> None:
        self.batch_size = batch_size
        self.seed = seed
        self.sizes: dict[tuple[object, ...], list[Unit]] = {}
        for unit in [(index,) for index in range(len(examples))] if units is None else units:
            first = examples[unit[0]]
            maps = tuple(examples[index].map for index in unit) if len(unit) > 1 else ()
            self.sizes.setdefault((*first.latent.shape[-2:], maps), []).extend([unit] * first.repeats)

    @property
    def batches_per_epoch(self) -> int:
        return sum(math.ceil(len(members) / self.batch_size) for members in self.sizes.values())

    def batch(self, step: int) -> list[int]:
        """Indices of the examples of `step`, counted from 0: those of `batch_size` units, one unit after the other."""
        return [index for unit in self.units(step) for index in unit]

    def units(self, step: int) -> list[Unit]:
        """The `batch_size` units of `step`, all of one length."""
        epoch, position = divmod(step, self.batches_per_epoch)
        return self._epoch(epoch)[position]

    @lru_cache(maxsize=1)  # noqa: B019 - the order lives as long as the run
    def _epoch(self, epoch: int) -> list[list[Unit]]:
        draw = generator(self.seed, "order", epoch)
        batches = [batch for members in self.sizes.values() for batch in self._shuffled_batches(members, draw)]
        return [batches[i] for i in torch.randperm(len(batches), generator=draw)]

    def _shuffled_batches(self, members: list[Unit], draw: torch.Generator) -> list[list[Unit]]:
        shuffled = [members[i] for i in torch.randperm(len(members), generator=draw)]
        count = math.ceil(len(members) / self.batch_size)
        filled = [shuffled[i % len(shuffled)] for i in range(count * self.batch_size)]
        return [filled[i : i + self.batch_size] for i in range(0, len(filled), self.batch_size)]


def split_validation(examples: Sequence[Example], share: float, seed: int) -> tuple[list[Example], list[Example]]:
    """The examples to train on and the ones to measure with: about `share` of the materials, at least one.

    All views of a material are on the same side, so nothing is measured that was trained on. Where there is only one
    material nothing is held back. Regularisation examples are always trained on.
    """
    materials = [None if one.regularisation else one.material or index for index, one in enumerate(examples)]
    held_out = held_out_materials(materials, share, seed)
    trained = [example for index, example in enumerate(examples) if index not in held_out]
    return trained, [examples[index] for index in sorted(held_out)]


def held_out_materials(materials: Sequence[object | None], share: float, seed: int) -> set[int]:
    """The places of about `share` of the materials, at least one of several; None stands for what is always trained."""
    places: dict[object, list[int]] = {}
    for index, material in enumerate(materials):
        if material is not None:
            places.setdefault(material, []).append(index)
    groups = list(places.values())
    count = min(len(groups) - 1, max(1, round(share * len(groups)))) if share and groups else 0
    shuffled = torch.randperm(len(groups), generator=generator(seed, "validation split", 0)).tolist()
    return {index for chosen in shuffled[:count] for index in groups[chosen]}


def roll_rows(batch: torch.Tensor, shifts: Sequence[tuple[int, int]]) -> torch.Tensor:
    """Each row of (B, C, H, W) shifted down and right by its whole number of pixels, wrapping."""
    return torch.stack([row.roll(shift, (-2, -1)) for row, shift in zip(batch, shifts, strict=True)])


def random_shifts(batch: Sequence[Example], draw: torch.Generator) -> list[tuple[int, int]]:
    """For each tileable example a random place of its torus, for each other one (0, 0)."""
    height, width = batch[0].latent.shape[-2:]
    rows = torch.randint(0, height, (len(batch),), generator=draw).tolist()
    columns = torch.randint(0, width, (len(batch),), generator=draw).tolist()
    return [
        (row, column) if example.tileable else (0, 0) for example, row, column in zip(batch, rows, columns, strict=True)
    ]
