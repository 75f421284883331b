"""The batches of a run, drawn from the examples, each prepared while the step before is still being computed."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import torch

from .captions import vary_captions
from .config import TrainingConfig
from .data import BatchOrder, Example, random_shifts, roll_rows
from .flow import Schedule
from .material_sets import SetNoise, draw_set_noise, material_sets, noise_alone
from .noise import sample_noise
from .randomness import generator
from .text_rows import TextConditioning


@dataclass(frozen=True)
class Batch:
    """B rows: latents and noise (B, C, H, W), timesteps (B,), and loss_weights (B,) of the rows.

    mask (B, 1, H, W) is the share of each latent pixel that counts, None for all of it. sizes are (width, height) in
    pixels of what was encoded. given (G, M) are rows without noise of G materials with M maps that see each other; None
    where images are trained on by themselves.
    """

    latents: torch.Tensor
    noise: torch.Tensor
    timesteps: torch.Tensor
    loss_weights: torch.Tensor
    mask: torch.Tensor | None
    captions: Sequence[str]
    sizes: Sequence[tuple[int, int]]
    given: torch.Tensor | None = None

    def each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "Batch":
        """The batch with `change` applied to each of its tensors."""
        return replace(
            self,
            latents=change(self.latents),
            noise=change(self.noise),
            timesteps=change(self.timesteps),
            loss_weights=change(self.loss_weights),
            mask=None if self.mask is None else change(self.mask),
            given=None if self.given is None else change(self.given),
        )

    def every(self, first: int, step: int) -> "Batch":
        """The batch of every `step`-th row from `first` on, or every `step`-th material with all its rows."""
        maps = 1 if self.given is None else self.given.shape[1]
        rows = [row for row in range(len(self.captions)) if row // maps % step == first]
        part = replace(self, given=None).each(lambda tensor: tensor[rows])
        given = None if self.given is None else self.given[first::step]
        captions, sizes = [self.captions[row] for row in rows], [self.sizes[row] for row in rows]
        return replace(part, captions=captions, sizes=sizes, given=given)

    def to(self, device: torch.device) -> "Batch":
        return self.each(lambda tensor: tensor.to(device, non_blocking=True))


def forward_inputs(batch: Batch, conditioning: TextConditioning) -> dict[str, torch.Tensor]:
    """The tensors that a forward pass reads, by their names; a batch without mask, or conditioning without vector,
    leaves these out. The conditioning has as many rows as the batch."""
    inputs = {
        "latents": batch.latents,
        "noise": batch.noise,
        "timesteps": batch.timesteps,
        "loss_weights": batch.loss_weights,
        "mask": batch.mask,
        "given": batch.given,
        **conditioning.named(),
    }
    return {name: value for name, value in inputs.items() if value is not None}


class Batches:
    """The batches of a run by their number, on the CPU. All that is random in one follows from the seed and its number.

    schedule says which timesteps there are.
    """

    def __init__(self, examples: Sequence[Example], config: TrainingConfig, schedule: Schedule) -> None:
        self.examples = examples
        self.config = config
        self.schedule = schedule
        units = material_sets(examples) if config.objective.is_together else None
        self.order = BatchOrder(examples, config.batch_size, config.seed, units)

    def __getitem__(self, number: int) -> Batch:
        objective, seed = self.config.objective, self.config.seed
        units = self.order.units(number)
        rows, maps = [self.examples[index] for unit in units for index in unit], len(units[0])
        shifts = [(0, 0)] * len(units)
        if objective.roll:
            shifts = random_shifts(rows[::maps], generator(seed, "roll", number))
        shifts = [shift for shift in shifts for _ in range(maps)]
        latents = _rolled(torch.stack([row.latent for row in rows]), shifts)
        words = [row.map_word for row in rows] if objective.is_together else []
        captions = vary_captions([row.caption for row in rows], objective, generator(seed, "captions", number), words)
        noise = self._noise(rows, maps, latents.shape[-2:], generator(seed, "timesteps", number))
        weights = torch.tensor([objective.prior_weight if row.regularisation else 1.0 for row in rows])
        return Batch(
            latents=latents,
            noise=sample_noise(latents.shape, objective, generator(seed, "noise", number)),
            timesteps=noise.timesteps,
            loss_weights=_of_sampled(weights, noise.given),
            mask=_rolled(_masks(rows), shifts) if _is_masked(rows, self.config) else None,
            captions=captions,
            sizes=[row.size for row in rows],
            given=noise.given if objective.is_together else None,
        )

    def _noise(self, rows: Sequence[Example], maps: int, size: torch.Size, draw: torch.Generator) -> SetNoise:
        objective = self.config.objective
        if not objective.is_together or torch.rand((), generator=draw) < objective.sharing_dropout:
            return noise_alone(self.schedule.draw(len(rows), size, draw))
        return draw_set_noise(self.schedule, [row.map for row in rows[:maps]], len(rows) // maps, size, draw)

    def units_of(self, examples: Sequence[Example]) -> list[list[Example]]:
        """Examples as they are trained on: each by itself, or all maps of a material together."""
        if not self.config.objective.is_together:
            return [[example] for example in examples]
        return [[examples[index] for index in unit] for unit in material_sets(examples)]

    def fixed(self, units: Sequence[tuple[Sequence[Example], float]], purpose: str) -> Iterator[Batch]:
        """Batches of what is trained on together, each at its fraction of the schedule and with plain noise that is the
        same every time.

        They come in batches of one size that are no larger than those that are trained on.
        """
        alike: dict[object, list[int]] = {}
        for number, (rows, _) in enumerate(units):
            alike.setdefault((rows[0].latent.shape, len(rows)), []).append(number)
        for members in alike.values():
            for start in range(0, len(members), self.config.batch_size):
                yield self._fixed(units, members[start : start + self.config.batch_size], purpose)

    def _fixed(self, units: Sequence[tuple[Sequence[Example], float]], numbers: Sequence[int], purpose: str) -> Batch:
        examples = [example for number in numbers for example in units[number][0]]
        maps = len(examples) // len(numbers)
        draws = [generator(self.config.seed, purpose, number) for number in numbers]
        shape = examples[0].latent.shape
        return Batch(
            latents=torch.stack([example.latent for example in examples]),
            noise=torch.stack([torch.randn(shape, generator=draw) for draw in draws for _ in range(maps)]),
            timesteps=self.schedule.at([units[number][1] for number in numbers for _ in range(maps)]),
            loss_weights=torch.ones(len(examples)),
            mask=_masks(examples) if _is_masked(examples, self.config) else None,
            captions=[example.caption for example in examples],
            sizes=[example.size for example in examples],
            given=torch.zeros(len(numbers), maps, dtype=torch.bool) if self.config.objective.is_together else None,
        )

    def ahead(self, number: int, device: torch.device) -> Iterator[Batch]:
        """Batches from `number` on; for a GPU each is made, in pinned memory, while the one before is trained on.

        A CPU that trains has no time to spare, so there each is made when it is asked for.
        """
        if device.type == "cpu":
            return map(self.__getitem__, itertools.count(number))
        pin = torch.Tensor.pin_memory if device.type == "cuda" else torch.Tensor.contiguous
        return made_ahead(lambda index: self[index].each(pin), number)


def made_ahead(make: Callable[[int], Batch], number: int) -> Iterator[Batch]:
    """`make(number)`, `make(number + 1)`, ..., each made in another thread while the one before is in use."""
    with ThreadPoolExecutor(1, "batches") as worker:
        coming = worker.submit(make, number)
        for following in itertools.count(number + 1):
            batch = coming.result()
            coming = worker.submit(make, following)
            yield batch


def _of_sampled(weights: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
    """The weights without those of given rows; the others weigh so much more that the loss keeps its scale."""
    sampled = (~given).flatten()
    return weights if sampled.all() else weights * sampled * (len(weights) / sampled.sum())


def _rolled(rows: torch.Tensor, shifts: Sequence[tuple[int, int]]) -> torch.Tensor:
    return roll_rows(rows, shifts) if any(map(any, shifts)) else rows


def _is_masked(rows: Sequence[Example], config: TrainingConfig) -> bool:
    return config.objective.masked and any(row.mask is not None for row in rows)


def _masks(rows: Sequence[Example]) -> torch.Tensor:
    whole = torch.ones_like(rows[0].latent[:1])
    return torch.stack([whole if row.mask is None else row.mask for row in rows])
