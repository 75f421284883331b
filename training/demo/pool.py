"""A stock of rendered images in memory, renewed while training goes on."""

from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Drawing:
    """image (3, H, W) uint8 and the captions that may stand for it."""

    image: torch.Tensor
    captions: tuple[str, ...]


class Pool:
    """Holds up to `capacity` drawings. Rendering takes longer than a training step can wait for many images, so each
    step renews a few of them and trains on a random choice of all."""

    def __init__(self, draw: Callable[[int], Drawing], capacity: int, first_seed: int = 0) -> None:
        self.draw = draw
        self.capacity = capacity
        self.next_seed = first_seed
        self.drawings: list[Drawing] = []

    def renew(self, count: int) -> list[int]:
        """Draw `count` new images, over the oldest ones once the pool is full. Returns their places."""
        places = []
        for _ in range(count):
            drawing = self.draw(self.next_seed)
            place = len(self.drawings) if len(self.drawings) < self.capacity else self.next_seed % self.capacity
            self.drawings[place : place + 1] = [drawing]
            places.append(place)
            self.next_seed += 1
        return places

    def choose(self, count: int, generator: torch.Generator) -> list[int]:
        """Places of `count` drawings, chosen at random."""
        return torch.randint(len(self.drawings), (count,), generator=generator).tolist()
