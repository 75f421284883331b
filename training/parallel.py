"""A run in several processes: each trains on its rows of every batch, and their gradients are averaged once a step."""

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch

from ..common.errors import InputError
from .batches import Batch

Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Share:
    """Of a run in `size` processes, which have joined torch.distributed, that of the process `rank`."""

    rank: int = 0
    size: int = 1

    def check(self, batch_size: int) -> None:
        """Raise `InputError` for a batch that cannot be dealt out evenly."""
        if batch_size % self.size:
            raise InputError(
                f"batch_size is {batch_size}, which {self.size} processes cannot share evenly. Choose a multiple of "
                f"{self.size}, such as {self.size * max(1, round(batch_size / self.size))}, or other processes."
            )

    def rows(self, batch: Batch) -> Batch:
        """This process's rows of a batch: every `size`-th, from `rank` on."""
        return batch if self.size == 1 else batch.every(self.rank, self.size)

    def averaged(self, gradients: Sequence[torch.Tensor], loss: torch.Tensor) -> torch.Tensor:
        """Bring `gradients` to their mean over all processes, in place; returns the mean of `loss`.

        It is one all-reduce of one flat tensor.
        """
        if self.size == 1:
            return loss
        flat = torch.cat([*(gradient.reshape(-1) for gradient in gradients), loss.reshape(1)])
        torch.distributed.all_reduce(flat)
        flat /= self.size
        *parts, mean = flat.split([*(gradient.numel() for gradient in gradients), 1])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))
        return mean[0]

    def gathered(self, choice: Choice) -> list[Choice]:
        """What each of the processes has chosen, in their order; all must ask."""
        if self.size == 1:
            return [choice]
        chosen: list[Any] = [None] * self.size
        torch.distributed.all_gather_object(chosen, choice)
        return chosen

    def any_wants(self, wanted: bool, device: torch.device) -> bool:
        """Whether any of the processes wants something; all must ask."""
        if self.size == 1:
            return wanted
        flag = torch.tensor(float(wanted), device=device)
        torch.distributed.all_reduce(flag)
        return bool(flag)


def check_gpus(processes: int) -> None:
    """Raise `InputError` where two processes on this machine would have to share a GPU."""
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if gpus and processes > gpus:
        raise InputError(
            f"processes is {processes}, but this machine has {gpus} GPU{'s' if gpus > 1 else ''}, and each process "
            f"takes one. Set processes to {gpus} or fewer."
        )


@contextmanager
def joined_group(backend: str, timeout: timedelta | None = None) -> Iterator[None]:
    """Be one of the processes that torch.distributed's launcher started, until the block is left, however it is left.

    The group's threads end with it. Where an error still held the group, as those of a collective do, they would go on
    until Python ends, and end it with "terminate called without an active exception" instead of the error.
    """
    torch.distributed.init_process_group(backend, timeout=timeout)
    try:
        yield
    except BaseException as error:
        traceback.clear_frames(error.__traceback__)
        raise
    finally:
        torch.distributed.destroy_process_group()


ALONE = Share()
"""The whole run in one process"""
