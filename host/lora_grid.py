"""Sampling a grid of LoRA files and weights with the host's sampler.

Files are outermost, because reading and patching one takes as long as several pictures; then weights; all prompts and
seeds of a cell are painted in batches. Texts are encoded before a cell is painted, so the text encoder and the denoiser
change places once a row at most.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import comfy.model_management
import comfy.utils

from ..common.errors import InputError
from ..common.files import check_new_name
from ..evaluation.cells import BASE, MOST_CELLS, Cell
from ..evaluation.grid import LoraGrid, Sampling, Task, picture_notes, plan, write_pictures
from ..evaluation.grid_listing import write_listing
from ..evaluation.loss_transfer import Transfer
from .folders import output_folder
from .lora_files import (
    LoraFile,
    changes_text,
    check_fit,
    check_values,
    lora_digest,
    lora_step,
    read_lora,
    with_lora_file,
)
from .model_digest import model_digest
from .painting import Conditioning, Painter, encode_texts
from .protocols import Clip, Model, Vae
from .screening import Screening, screen


@dataclass
class Log:
    """What a person should know about a run afterwards."""

    painted: int = 0
    kept: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    def note(self, line: str) -> None:
        if line and line not in self.notes:
            self.notes.append(line)
            logging.warning("LoRA Grid: %s", line)


def grid_cells(names: Sequence[str], strengths: Sequence[float]) -> tuple[Cell, ...]:
    """The model without LoRA, once, and every file at every weight but 0, in the order they are painted in.

    Steps that two files share name neither of them, so such files go by their names. Raises `InputError` for too many.
    """
    steps = {name: lora_step(name) for name in names}
    known = list(steps.values())
    weights = [strength for strength in strengths if strength]
    if len(names) * len(weights) > MOST_CELLS:
        raise InputError(
            f"loras and strengths ask for {len(names) * len(weights)} cells, and {MOST_CELLS} are the most. Name fewer."
        )
    own = {name: step if known.count(step) == 1 else None for name, step in steps.items()}
    return (BASE, *(Cell(name, strength, own[name]) for name in names for strength in weights))


def paint_grid(
    model: Model,
    clip: Clip,
    vae: Vae,
    cells: Sequence[Cell],
    prompts: Sequence[str],
    seeds: Sequence[int],
    sampling: Sampling,
    name: str,
    batch_size: int = 0,
    screening: Screening | None = None,
) -> tuple[LoraGrid, Log]:
    """Paint what is not painted yet into output/grids/<name>. Raises `InputError` for LoRAs that do not fit the model.

    With a `screening` only the cells are painted whose losses on its renders promise most.

    batch_size is the most pictures at once, 0 for as many as fit. Batches of 1 are what KSampler paints, bit for bit;
    larger ones differ in the last bits.
    """
    folder = output_folder("grids", check_new_name(name, "name", output_folder("grids")))
    digests = {cell.lora: lora_digest(cell.lora) for cell in cells if not cell.is_base}
    digests[""] = model_digest(model, model_digest(clip.patcher, clip.layer_idx), model_digest(vae.patcher))
    log = Log()
    for lora in filter(None, digests):  # before anything is painted, which may take hours
        for line in _file_notes(model, clip, lora, (digests[""], digests[lora])):
            log.note(line)
    transfers: dict[Cell, Transfer] = {}
    if screening:
        cells, transfers = screen(model, clip, vae, cells, screening)
        log.note(f"{len(transfers)} cells were screened by loss transfer, and {len(cells) - 1} are painted")

    def paint(cells: Sequence[Cell], seeds: Sequence[int]) -> LoraGrid:
        tasks = plan(folder, cells, prompts, seeds, sampling, digests)
        _Run(model, clip, vae, prompts, sampling, batch_size, log).paint(tasks)
        files = {cell: tuple(task.file for task in own) for cell, own in groupby(tasks, lambda task: task.cell)}
        return LoraGrid(name, folder, tuple(cells), tuple(prompts), tuple(seeds), sampling, files, paint)

    grid = replace(paint(cells, seeds), transfers=transfers)
    for line in picture_notes(grid):
        log.note(line)
    write_listing(grid)
    return grid, log


_known_notes: dict[tuple[str, str, str], list[str]] = {}


def _file_notes(model: Model, clip: Clip, name: str, digests: tuple[str, str]) -> list[str]:
    """What is odd about a LoRA for the models. A file is read for it once, not each time that its grid is looked at.

    digests: of the models and of the file.
    """
    key = (name, *digests)
    if key not in _known_notes:
        lora = read_lora(name)
        _known_notes[key] = [check_values(lora), check_fit(model, clip, lora)]
    return _known_notes[key]


class _Run:
    """One pass over tasks. The bar counts sampler steps of pictures."""

    def __init__(
        self, model: Model, clip: Clip, vae: Vae, prompts: Sequence[str], sampling: Sampling, batch_size: int, log: Log
    ) -> None:
        self.model, self.clip, self.prompts, self.sampling, self.log = model, clip, prompts, sampling, log
        self.painter = Painter(vae, sampling, batch_size, self._told)
        self.bar = comfy.utils.ProgressBar(1)
        self.done, self.total = 0, 1
        self.plain_texts: list[Conditioning] = []

    def paint(self, tasks: Sequence[Task]) -> None:
        """Paint those that are not painted yet, and write each as soon as it is."""
        waiting = [task for task in tasks if not task.is_painted]
        started = time.monotonic()
        self.total = max(1, len(waiting) * self.sampling.steps)
        self.log.kept += len(tasks) - len(waiting)
        try:
            for name, own in groupby(waiting, lambda task: "" if task.cell.is_base else task.cell.lora):
                self._paint_file(name, list(own))
        finally:
            self.log.seconds += time.monotonic() - started
        if self.painter.halved:
            self.log.note(f"Memory was too small for larger batches: {self.painter.limit} pictures at once")
        if not self.painter.batchable and waiting:
            self.log.note(
                f"{self.sampling.sampler_name} draws noise while it samples, so every picture is painted by itself"
            )

    def _paint_file(self, name: str, tasks: Sequence[Task]) -> None:
        lora = read_lora(name) if name else None
        for cell, own in groupby(tasks, lambda task: task.cell):
            self._paint_cell(lora, cell, list(own))

    def _paint_cell(self, lora: LoraFile | None, cell: Cell, tasks: Sequence[Task]) -> None:
        model, clip = with_lora_file(self.model, self.clip, lora, cell.strength) if lora else (self.model, self.clip)
        *prompts, negative = self._texts(clip)
        rows = [(task.prompt, task.seed) for task in tasks]
        for numbers, pictures in self.painter.paint(model, prompts, negative, rows):
            painted = list(pictures.float().cpu().movedim(-1, 1))
            write_pictures([tasks[number] for number in numbers], painted, self.prompts, self.sampling)
            self.log.painted += len(numbers)
            comfy.model_management.throw_exception_if_processing_interrupted()

    def _texts(self, clip: Clip) -> list[Conditioning]:
        """The prompts and the negative one; those of a LoRA that leaves the text encoder alone are the model's own."""
        texts = [*self.prompts, self.sampling.negative]
        if clip is not self.clip and changes_text(self.clip, clip):
            return encode_texts(clip, texts)
        if not self.plain_texts:
            self.plain_texts = encode_texts(self.clip, texts)
        return self.plain_texts

    def _told(self, rows: int, preview: Any) -> None:
        self.done = min(self.done + rows, self.total)
        self.bar.update_absolute(self.done, self.total, preview)
        comfy.model_management.throw_exception_if_processing_interrupted()
