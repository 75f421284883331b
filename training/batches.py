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
from .noise import sample_noise
from .randomness import generator
from .text_rows import Told


@dataclass(frozen=True)
class Batch:
    """B rows: latents and noise (B, C, H, W), timesteps (B,), and loss_weights (B,) of the rows.

    mask (B, 1, H, W) is the share of each latent pixel that counts, None for all of it. sizes are (width, height) in
    pixels of what was encoded.
    """

    latents: torch.Tensor
    noise: torch.Tensor
    timesteps: torch.Tensor
    loss_weights: torch.Tensor
    mask: torch.Tensor | None
    captions: Sequence[str]
    sizes: Sequence[tuple[int, int]]

    def each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "Batch":
        """The batch with `change` applied to each of its tensors."""
        return replace(
            self,
            latents=change(self.latents),
            noise=change(self.noise),
            timesteps=change(self.timesteps),
            loss_weights=change(self.loss_weights),
            mask=None if self.mask is None else change(self.mask),
        )

    def every(self, first: int, step: int) -> "Batch":
        """The batch of every `step`-th row from `first` on."""
        rows = self.each(lambda tensor: tensor[first::step])
        return replace(rows, captions=self.captions[first::step], sizes=self.sizes[first::step])

    def to(self, device: torch.device) -> "Batch":
        return self.each(lambda tensor: tensor.to(device, non_blocking=True))


def forward_inputs(batch: Batch, conditioning: Told) -> dict[str, torch.Tensor]:
    """The tensors that a forward pass reads, by their names; a batch without mask, or conditioning without vector,
    leaves these out. The conditioning has as many rows as the batch."""
    inputs = {
        "latents": batch.latents,
        "noise": batch.noise,
        "timesteps": batch.timesteps,
        "loss_weights": batch.loss_weights,
        "mask": batch.mask,
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
        self.order = BatchOrder(examples, config.batch_size, config.seed)

    def __getitem__(self, number: int) -> Batch:
        objective, seed = self.config.objective, self.config.seed
        rows = [self.examples[i] for i in self.order.batch(number)]
        shifts = random_shifts(rows, generator(seed, "roll", number)) if objective.roll else [(0, 0)] * len(rows)
        latents = _rolled(torch.stack([row.latent for row in rows]), shifts)
        captions = vary_captions([row.caption for row in rows], objective, generator(seed, "captions", number))
        return Batch(
            latents=latents,
            noise=sample_noise(latents.shape, objective, generator(seed, "noise", number)),
            timesteps=self.schedule.draw(len(rows), latents.shape[-2:], generator(seed, "timesteps", number)),
            loss_weights=torch.tensor([objective.prior_weight if row.regularisation else 1.0 for row in rows]),
            mask=_rolled(_masks(rows), shifts) if _is_masked(rows, self.config) else None,
            captions=captions,
            sizes=[row.size for row in rows],
        )

    def fixed(self, rows: Sequence[tuple[Example, float]], purpose: str) -> Iterator[Batch]:
        """Batches of examples, each at its fraction of the schedule and with plain noise that is the same every time.

        They come in batches of one size that are no larger than those that are trained on.
        """
        groups: dict[torch.Size, list[int]] = {}
        for number, (example, _) in enumerate(rows):
            groups.setdefault(example.latent.shape, []).append(number)
        for members in groups.values():
            for start in range(0, len(members), self.config.batch_size):
                yield self._fixed(rows, members[start : start + self.config.batch_size], purpose)

    def _fixed(self, rows: Sequence[tuple[Example, float]], numbers: Sequence[int], purpose: str) -> Batch:
        examples = [rows[number][0] for number in numbers]
        draws = [generator(self.config.seed, purpose, number) for number in numbers]
        shape = examples[0].latent.shape
        return Batch(
            latents=torch.stack([example.latent for example in examples]),
            noise=torch.stack([torch.randn(shape, generator=draw) for draw in draws]),
            timesteps=self.schedule.at([rows[number][1] for number in numbers]),
            loss_weights=torch.ones(len(numbers)),
            mask=_masks(examples) if _is_masked(examples, self.config) else None,
            captions=[example.caption for example in examples],
            sizes=[example.size for example in examples],
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


def _rolled(rows: torch.Tensor, shifts: Sequence[tuple[int, int]]) -> torch.Tensor:
    return roll_rows(rows, shifts) if any(map(any, shifts)) else rows


def _is_masked(rows: Sequence[Example], config: TrainingConfig) -> bool:
    return config.objective.masked and any(row.mask is not None for row in rows)


def _masks(rows: Sequence[Example]) -> torch.Tensor:
    whole = torch.ones_like(rows[0].latent[:1])
    return torch.stack([whole if row.mask is None else row.mask for row in rows])
