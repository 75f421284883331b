"""Maps of a material that are trained on together: which belong together, and how noisy each is in a step.

Some are given without noise and do not count, so that any of them can be known when the others are sampled (independent
timesteps as in UniDiffuser, Bao et al. 2023, and JointDiT, Byung-Ki et al. 2025).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ..common.errors import InputError
from ..common.map_kinds import MAP_KINDS
from .data import Example, Unit
from .flow import Schedule

SAME_NOISE = 0.5  # of the steps: all maps at one timestep, as when a material is sampled from text
SOME_GIVEN = 0.35  # of the steps: some maps given; the rest of the steps has a timestep of its own for each
BASECOLOR_GIVEN = 0.5  # of those: basecolor alone, the use that matters most


@dataclass(frozen=True)
class SetNoise:
    """Timesteps (G M,) of G materials with M maps, and which of them are given without noise (G, M), at timestep 0."""

    timesteps: torch.Tensor
    given: torch.Tensor


def material_sets(examples: Sequence[Example]) -> list[Unit]:
    """The maps of each material in the order of `MAP_KINDS`, and by itself each example that belongs to no set."""
    units: dict[object, list[int]] = {}
    for index, example in enumerate(examples):
        units.setdefault(example.material_set or index, []).append(index)
    return [tuple(sorted(unit, key=lambda index: _place(examples[index]))) for unit in units.values()]


def check_set_sizes(examples: Sequence[Example]) -> None:
    """Raise `InputError` for a material whose maps have latents of unlike sizes, as unlike proportions give them."""
    for unit in material_sets(examples):
        maps = [examples[index] for index in unit]
        if len({example.latent.shape for example in maps}) > 1:
            found = ", ".join(f"{example.map} {example.size[0]} x {example.size[1]}" for example in maps)
            raise InputError(
                f"The maps of the material {maps[0].material_set} are trained on at unlike sizes: {found}. Give them "
                "all the same size in pixels, or take the material out of the dataset."
            )


def _place(example: Example) -> int:
    return MAP_KINDS.index(example.map) if example.map in MAP_KINDS else len(MAP_KINDS)


def draw_set_noise(
    schedule: Schedule, kinds: Sequence[str], groups: int, size: Sequence[int], draw: torch.Generator
) -> SetNoise:
    """The noise of `groups` materials whose maps are `kinds`, for latents of `size` (height, width)."""
    maps = len(kinds)
    shared, own = schedule.draw(groups, size, draw), schedule.draw(groups * maps, size, draw).view(groups, maps)
    ways = torch.rand(groups, generator=draw)
    given = torch.stack([_some_given(kinds, draw) for _ in range(groups)])
    given &= ((ways >= SAME_NOISE) & (ways < SAME_NOISE + SOME_GIVEN))[:, None]
    apart = (ways >= SAME_NOISE + SOME_GIVEN)[:, None]
    timesteps = torch.where(apart, own, shared[:, None].expand(groups, maps))
    return SetNoise(torch.where(given, torch.zeros_like(timesteps), timesteps).flatten(), given)


def _some_given(kinds: Sequence[str], draw: torch.Generator) -> torch.Tensor:
    """Which of the maps are given: some, but not all of them."""
    maps = len(kinds)
    basecolor_alone = torch.tensor([kind == "basecolor" for kind in kinds])
    number = int(torch.randint(1, maps, (), generator=draw)) if maps > 1 else 0
    chosen = torch.zeros(maps, dtype=torch.bool)
    chosen[torch.randperm(maps, generator=draw)[:number]] = True
    takes_basecolor = float(torch.rand((), generator=draw)) < BASECOLOR_GIVEN
    return basecolor_alone if takes_basecolor and maps > 1 and basecolor_alone.any() else chosen


def noise_alone(timesteps: torch.Tensor) -> SetNoise:
    """Rows at `timesteps` (B,), each by itself: it sees no other and none is given."""
    return SetNoise(timesteps, torch.zeros(len(timesteps), 1, dtype=torch.bool))
