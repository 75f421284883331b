"""Where a run writes, what it may overwrite, and how it finds its own files again.

output/loras/<name>.safetensors                 the LoRA, for every loader
output/loras/<name>-step00000500.safetensors    what `save every` keeps on the way
output/training/<name>/state.safetensors        all that resuming needs
output/training/<name>/samples/                 the pictures made on the way
"""

import errno
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from glob import escape
from pathlib import Path

import torch

from ..common.errors import InputError
from ..common.files import free_name
from ..common.locks import Claim, lock_beside
from .checkpoint import save_tensors
from .config import SavingConfig
from .state import RunIdentity, latest_state

STATE_NAME = "state.safetensors"
SCRIPTS_RUN_NAME = "run.json"  # in the folder of a run through sd-scripts, which has no LoRA until it ends


@dataclass
class RunFiles:
    """The files of one run: its LoRA is `lora`, everything that is not for loaders lies in `folder`.

    checkpoints are those that may be deleted to keep the last few; `checkpoints_of` finds all there are.
    claim keeps other processes off them until it is released.
    """

    lora: Path
    folder: Path
    checkpoints: list[Path] = field(default_factory=list)
    claim: Claim | None = None

    @property
    def state(self) -> Path:
        return self.folder / STATE_NAME

    def checkpoint(self, step: int) -> Path:
        """The path of the checkpoint after `step`."""
        return self.lora.with_stem(f"{self.lora.stem}-step{step:08}")

    def release(self) -> None:
        """Let other processes go on with this run."""
        if self.claim:
            self.claim.release()

    def save_checkpoint(
        self, step: int, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str], keep_last: int
    ) -> None:
        """Write a LoRA of the run's course beside its last one; of more than `keep_last` (if not 0) the oldest goes."""
        path = self.checkpoint(step)
        save_tensors(path, tensors, metadata)
        self.checkpoints = [file for file in self.checkpoints if file != path] + [path]
        while keep_last and len(self.checkpoints) > keep_last:
            self.checkpoints.pop(0).unlink(missing_ok=True)


def files_of_run(loras: Path, runs: Path, name: str, run: RunIdentity | None, steps: int) -> RunFiles:
    """The files of an earlier run of this name with the same identity `run`, no further than `steps`; otherwise, or for
    None, new files under a free name.

    They are claimed: files that another process trains at this moment are passed over. A name is not free while
    checkpoints of it are there, though its run was deleted: the new run would write over them, or count them as its
    own.
    """
    if run is not None:
        found = latest_state(states_of_run(runs, name), run, steps)
        if found and Path(found[1]).name == found[1] and (claim := claim_run(runs, found[0].parent.name)):
            state, lora = found
            earlier = list(checkpoints_of(loras / lora).values())
            return RunFiles(loras / lora, state.parent, earlier, claim)
    stem, claim = claim_name(runs, name, lambda stem: not _is_used(_lora(loras, stem)) and not _is_owned(runs / stem))
    return RunFiles(_lora(loras, stem), runs / stem, claim=claim)


def states_of_run(runs: Path, name: str) -> list[Path]:
    """The states of runs of that name, whoever's they are."""
    own = re.compile(rf"{re.escape(name)}(_\d{{5}})?")  # as `free_name` numbers it
    return [path for path in runs.glob(f"*/{STATE_NAME}") if own.fullmatch(path.parent.name)]


def claim_name(runs: Path, name: str, is_free: Callable[[str], bool]) -> tuple[str, Claim]:
    """The first of name, name_00002, ... that `is_free` and that no other process holds, held."""
    claims: list[Claim] = []

    def is_taken(stem: str) -> bool:
        claim = claim_run(runs, stem)
        if claim and is_free(stem):
            claims.append(claim)
        elif claim:
            claim.release()
        return not claims

    return free_name(name, is_taken), claims[0]


def claim_run(runs: Path, stem: str) -> Claim | None:
    """Hold the run `stem` against other processes; None where one of them trains it."""
    claim = Claim(lock_beside(runs / stem))
    return claim if claim.taken else None


def _lora(loras: Path, stem: str) -> Path:
    return loras / f"{stem}.safetensors"


def _is_used(lora: Path) -> bool:
    return lora.exists() or bool(checkpoints_of(lora))


def _is_owned(folder: Path) -> bool:
    return any((folder / name).exists() for name in (STATE_NAME, SCRIPTS_RUN_NAME))


def check_asked_for(files: RunFiles, steps: Sequence[int], saving: SavingConfig) -> None:
    """Raise `InputError` for checkpoints after `steps`, or samples, that a finished run did not leave."""
    kept = steps[-saving.keep_last :] if saving.keep_last else steps
    missing = [step for step in kept if not files.checkpoint(step).exists()]
    samples = saving.sample_every and not any((files.folder / "samples").glob("*.png"))
    if missing or samples:
        what = f"checkpoints after the steps {', '.join(map(str, missing))}" if missing else "samples"
        raise InputError(
            f"{files.lora.name} was already trained to the end without {what}, which can only be made during training. "
            "Switch resume of LoRA Saving off to train anew, or ask for none."
        )


def checkpoints_of(lora: Path) -> dict[int, Path]:
    """The LoRAs that were kept on the way of the run whose last one is `lora`, by their steps."""
    kept = sorted(lora.parent.glob(f"{escape(lora.stem)}-step????????.safetensors"))
    steps = (file.stem.removeprefix(f"{lora.stem}-step") for file in kept)
    return {int(step): file for step, file in zip(steps, kept, strict=True) if step.isdecimal()}


def check_kept(files: RunFiles, step: int, coming: Sequence[int] = ()) -> None:
    """Raise `InputError` if the run has kept no LoRA after `step`, which is none of those `coming` either."""
    if step in coming or files.checkpoint(step).exists():
        return
    kept = checkpoints_of(files.lora)
    there = f"It has kept {', '.join(map(str, kept))}." if kept else "It has kept none on its way."
    raise InputError(
        f"checkpoint is {step}, but {files.lora.stem} has no LoRA of that step. {there} Take one of these, or 0 for "
        "the last; every_steps of LoRA Saving says which are kept."
    )


def check_writable(*folders: Path) -> None:
    """Raise `InputError` if one of the folders cannot be made or written to."""
    for folder in folders:
        with told_if_disk_fails(folder):
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / ".writable"
            probe.touch()
            probe.unlink()


def check_room(files: RunFiles, needed: int) -> None:
    """Raise `InputError` if a folder has fewer than `needed` bytes left."""
    for folder in (files.lora.parent, files.folder.parent):
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise InputError(
                f"The disk of {folder} has {free / 2**20:.0f} MB left, but this training writes {needed / 2**20:.0f} "
                "MB. Free some space, or lower the rank."
            )


@contextmanager
def told_if_disk_fails(path: Path) -> Iterator[None]:
    """Turn a full disk or a folder without permission into an `InputError` that says what to do."""
    try:
        yield
    except PermissionError:
        raise InputError(f"{path} cannot be written to. Allow ComfyUI to write there, or move its output.") from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise
        raise InputError(
            f"{path} could not be written: {error.strerror}. What was saved before is whole. Free some space and start "
            "the run again: it goes on from its last state."
        ) from None
