"""A grid of pictures on disk: output/grids/<name>/<LoRA>/<weight>/<prompt>_<seed>_<key>.png, and beside each a JSON.

The key is a digest of everything a picture depends on. A picture counts as painted when its JSON says the same key; the
JSON is written last, so a grid that was cancelled or killed goes on where it stopped, and one with another prompt,
weight or file paints only what is new.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from filecmp import cmp
from pathlib import Path
from typing import Any, Protocol

import torch

from ..common.errors import InputError
from ..common.files import write_json
from ..common.image_writing import write_png
from ..common.images import read_image
from ..common.untrusted_json import read_untrusted_json
from .cells import BASE, Cell, lora_stem
from .loss_transfer import Transfer

MOST_PICTURES = 100_000
MOST_KEPT = 2**24  # pixels of a grid's pictures, 200 MB as they are read


@dataclass(frozen=True)
class Sampling:
    """How every picture of a grid is painted. width and height are in pixels."""

    steps: int
    cfg: float
    sampler_name: str
    scheduler: str
    width: int
    height: int
    negative: str = ""


@dataclass(frozen=True)
class LoraGrid:
    """What travels from the node that paints a grid to the node that scores it.

    files holds each cell's pictures, prompts outer, seeds inner. paint paints cells for other seeds, transfers is what
    was measured without painting.
    """

    name: str
    folder: Path
    cells: tuple[Cell, ...]
    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    sampling: Sampling
    files: Mapping[Cell, tuple[Path, ...]]
    paint: "Paint | None" = None
    transfers: Mapping[Cell, Transfer] = field(default_factory=dict)
    _read: dict[Cell, list[torch.Tensor]] | None = field(default=None, compare=False, repr=False)

    def pictures(self, cell: Cell) -> list[torch.Tensor]:
        """(3, H, W) each, as they are in the files; one that had NaN or infinite values is nan."""
        if self._read is None:
            return [read_picture(file) for file in self.files[cell]]
        if cell not in self._read:
            self._read[cell] = [read_picture(file) for file in self.files[cell]]
        return self._read[cell]

    def reading_once(self) -> "LoraGrid":
        """The same grid, which keeps its pictures once they are read, if they are few or small."""
        pixels = self.sampling.width * self.sampling.height * sum(map(len, self.files.values()))
        return replace(self, _read={}) if pixels <= MOST_KEPT else self


class Paint(Protocol):
    """Paints cells of a grid for other seeds."""

    def __call__(self, cells: Sequence[Cell], seeds: Sequence[int]) -> LoraGrid: ...


@dataclass(frozen=True)
class Task:
    """One picture to paint: of a cell, for the prompt of that number, from a seed, and where it goes."""

    cell: Cell
    prompt: int
    seed: int
    file: Path
    key: str

    @property
    def is_painted(self) -> bool:
        return self.file.is_file() and painted_key(self.file) == self.key


def plan(
    folder: Path,
    cells: Sequence[Cell],
    prompts: Sequence[str],
    seeds: Sequence[int],
    sampling: Sampling,
    digests: Mapping[str, str],
) -> list[Task]:
    """All pictures of a grid: files outer, weights middle, prompts and seeds inside.

    `digests` says what the model is ("") and what each LoRA file is. Raises `InputError` for more than MOST_PICTURES.
    """
    count = len(cells) * len(prompts) * len(seeds)
    if count > MOST_PICTURES:
        raise InputError(
            f"The grid would be {count:,} pictures ({len(cells):,} cells, {len(prompts):,} prompts, {len(seeds):,} "
            f"seeds), and {MOST_PICTURES:,} are the most. Name fewer LoRAs, strengths, prompts or seeds."
        )
    tasks = []
    for cell in cells:
        known = "" if cell.is_base else digests[cell.lora]
        place = folder / "no LoRA" if cell.is_base else folder / lora_stem(cell.lora) / f"{cell.strength:g}"
        for number, prompt in enumerate(prompts):
            for seed in seeds:
                key = picture_key(digests[""], known, 0 if cell.is_base else cell.strength, prompt, seed, sampling)
                tasks.append(Task(cell, number, seed, place / f"{number:02}_{seed}_{key[:8]}.png", key))
    return tasks


def picture_key(*facts: Any) -> str:
    """A digest of what a picture depends on."""
    plain = [asdict(fact) if isinstance(fact, Sampling) else fact for fact in facts]
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def painted_key(file: Path) -> str:
    """What the JSON beside a picture says its key is, "" where there is none or it is not whole."""
    try:
        return _record(file)["key"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def write_pictures(
    tasks: Sequence[Task], pictures: Sequence[torch.Tensor], prompts: Sequence[str], sampling: Sampling
) -> None:
    """Write (3, H, W) of one batch, and then their JSONs: a batch that is cut short is painted again as a whole.

    So the pictures of a grid that goes on were painted with the same neighbours as those of one that was not stopped.
    Values that are no numbers become black, and the JSON says that they were.
    """
    for task, picture in zip(tasks, pictures, strict=True):
        write_png(task.file, picture.nan_to_num(0, 0, 0))
    for task, picture in zip(tasks, pictures, strict=True):
        record = {
            "lora": task.cell.lora,
            "strength": task.cell.strength,
            "step": task.cell.step,
            "prompt": prompts[task.prompt],
            "seed": task.seed,
            **asdict(sampling),
            "finite": bool(picture.isfinite().all()),
            "key": task.key,
        }
        write_json(task.file.with_suffix(".json"), record)


def picture_notes(grid: LoraGrid) -> list[str]:
    """A line for each cell whose pictures are no numbers, or those of the model without LoRA to the last bit."""
    notes = []
    for cell, files in grid.files.items():
        black = sum(not _record(file)["finite"] for file in files)
        if black:
            notes.append(f"{cell}: {black} of {len(files)} pictures are black: the model returned NaN")
        elif not cell.is_base and all(cmp(*both, shallow=False) for both in zip(files, grid.files[BASE], strict=True)):
            notes.append(f"{cell}: its pictures are those without LoRA to the last bit: the file changes nothing here")
    return notes


def read_picture(file: Path) -> torch.Tensor:
    """(3, H, W) in 0..1, all nan if it was painted with NaN or infinite values. Raises `InputError` without it."""
    try:
        record = _record(file)
        picture = read_image(file)
    except (OSError, ValueError) as error:
        raise InputError(
            f"The picture {file.name} of the grid is gone or damaged ({error}). Run LoRA Grid again: it paints what is "
            "missing."
        ) from None
    return picture if record["finite"] else torch.full_like(picture, torch.nan)


def _record(file: Path) -> Any:
    return read_untrusted_json(file.with_suffix(".json"))
