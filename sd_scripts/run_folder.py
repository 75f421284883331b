"""Where a run through sd-scripts writes, and which of its files are taken over.

output/training/<name>/run.json         what the run is, to find it again
output/training/<name>/dataset/         the images and captions that sd-scripts reads
output/training/<name>/scripts/         what sd-scripts writes; whole files are taken out of it while it runs
output/training/<name>/states/          its last state, to resume from
output/training/<name>/samples/         the sample pictures, by the run's own steps
output/<model folder>/<name>.safetensors
"""

import errno
import os
import re
import shutil
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from glob import escape
from pathlib import Path
from typing import Any

from ..common.files import write_json, written_whole
from ..common.locks import Claim
from ..common.untrusted_json import parse_untrusted_json, read_untrusted_json
from ..training.run_files import SCRIPTS_RUN_NAME, claim_name, claim_run
from .metadata import count_on

LOG_NAME = "sd-scripts.log"
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_SAMPLE_STEP = re.compile(r"(?<=_)\d{6}(?=_\d\d_\d{14})")
_STATE_PARTS = ("optimizer.bin", "scheduler.bin", "random_states_0.pkl")


@dataclass(frozen=True)
class Leg:
    """One process of a run that may take several: it starts after `start` steps and ends after `end`, 0 for unknown.

    counts_on says that sd-scripts was told so and counts its epochs on; skips, that it passes over the images of the
    epoch that were seen. Its own numbers of steps and epochs begin again otherwise.
    """

    start: int = 0
    end: int = 0
    counts_on: bool = False
    skips: bool = False

    def end_of(self, total: int) -> int:
        """The run's last step, where sd-scripts announces `total` of them."""
        return self.end or self.start + total

    def step_of(self, number: int, steps_per_epoch: int) -> int:
        """The run's step that sd-scripts calls `number`."""
        return number + self._base(steps_per_epoch)

    def step_of_epoch(self, number: int, steps_per_epoch: int) -> int:
        """The run's step at the end of the epoch that sd-scripts calls `number`."""
        before = self.start // steps_per_epoch if self.counts_on and steps_per_epoch else 0
        return self._base(steps_per_epoch) + (number - before) * steps_per_epoch

    def _base(self, steps_per_epoch: int) -> int:
        if self.skips and steps_per_epoch:
            return self.start // steps_per_epoch * steps_per_epoch
        return self.start


@dataclass
class RunFolder:
    """The files of one run. target is the file that it is about; saved has the steps of the files that are kept; claim
    keeps other processes off them until it is released."""

    folder: Path
    target: Path
    facts: dict[str, Any]
    saved: dict[int, Path] = field(default_factory=dict)
    claim: Claim | None = None

    @property
    def scripts(self) -> Path:
        return self.folder / "scripts"

    @property
    def dataset(self) -> Path:
        return self.folder / "dataset"

    @property
    def log(self) -> Path:
        return self.folder / LOG_NAME

    @property
    def fallback(self) -> Path:
        """What was saved last, for a run that does not finish."""
        return self.folder / f"last{self.target.suffix}"

    def release(self) -> None:
        """Let other processes go on with this run."""
        if self.claim:
            self.claim.release()

    def remember(self, **facts: Any) -> None:
        """Add to `run.json`."""
        self.facts |= facts
        write_json(self.folder / SCRIPTS_RUN_NAME, self.facts)

    def last_state(self) -> tuple[int, Path] | None:
        """The step and folder of the state to resume from."""
        states = sorted((self.folder / "states").glob("step*"))
        return (int(states[-1].name.removeprefix("step")), states[-1]) if states else None

    def samples(self) -> list[Path]:
        """The sample pictures that were taken over, in the order they were made."""
        return sorted((self.folder / "samples").glob("*.png"), key=lambda file: file.stat().st_mtime_ns)

    def has_saved(self) -> bool:
        """Whether there is a file that the target could be, if the run ended now."""
        return bool(self.saved) or self.fallback.is_file() or ("target_step" in self.facts and self.target.is_file())

    def begin_leg(self) -> None:
        """Make the scripts' folder, and clear what a process that was killed with ComfyUI left there: it counted its
        steps from another start."""
        self.scripts.mkdir(exist_ok=True)
        self._take_samples(Leg(), 0)
        for found in self.scripts.iterdir():
            if found.is_dir() and _name_in_course(self.target, found):
                shutil.rmtree(found)
            elif found.is_file():
                found.unlink()

    def take_over(self, leg: Leg, steps_per_epoch: int, by_steps: bool, by_epochs: bool, keep_last: int) -> None:
        """Take what is whole out of the scripts' folder: states, and checkpoints.

        Files that were asked for, by_steps or by_epochs, go beside the target, at most `keep_last` of them unless
        that is 0. Of the others the last is kept to fall back on.
        """
        if not self.scripts.is_dir() or not steps_per_epoch:
            return
        self._take_samples(leg, steps_per_epoch)
        for found in sorted(self.scripts.iterdir()):
            named = _name_in_course(self.target, found)
            if named is None:
                continue
            number, is_epoch = named
            step = (leg.step_of_epoch if is_epoch else leg.step_of)(number, steps_per_epoch)
            with suppress(PermissionError):  # Windows, where sd-scripts still has it open: it is taken at the next look
                if found.is_dir():
                    self._take_state(found, step)
                elif is_whole(found):
                    if leg.start:
                        count_on(found, step, leg.end, steps_per_epoch)
                    self._take_file(found, step, by_epochs if is_epoch else by_steps, keep_last)

    def take_end(self, leg: Leg, step: int) -> bool:
        """Take over the finished file and the state at the end; False where there is no whole file."""
        finished = self.scripts / self.target.name
        if not (finished.is_file() and is_whole(finished)):
            return False
        state = self.scripts / f"{self.target.stem}-state"
        if state.is_dir():
            self._take_state(state, step)
        if leg.start:
            count_on(finished, step, step, self.facts.get("steps_per_epoch", 0))
        self.target.parent.mkdir(parents=True, exist_ok=True)
        _move(finished, self.target)
        self.fallback.unlink(missing_ok=True)
        self.remember(target_step=step)
        return True

    def fall_back(self) -> int | None:
        """Give the target what was saved last, unless it is further on by an earlier leg.

        Returns the target's step, None where nothing was saved.
        """
        kept = dict(self.saved)
        if self.fallback.is_file():
            kept[self.facts.get("fallback_step", 0)] = self.fallback
        reached = self.facts.get("target_step", -1)
        if reached >= max(kept, default=0) and self.target.is_file():
            return reached
        if not kept:
            return None
        step = max(kept)
        with written_whole(self.target) as unfinished:
            shutil.copyfile(kept[step], unfinished)
        self.facts.pop("finished", None)
        self.remember(target_step=step)
        return step

    def _take_samples(self, leg: Leg, steps_per_epoch: int) -> None:
        for found in (self.scripts / "sample").glob("*.png"):
            if _png_is_whole(found):
                name = _SAMPLE_STEP.sub(lambda number: f"{leg.step_of(int(number[0]), steps_per_epoch):06}", found.name)
                (self.folder / "samples").mkdir(exist_ok=True)
                with suppress(PermissionError):  # Windows, as above
                    _move(found, self.folder / "samples" / name)

    def _take_state(self, found: Path, step: int) -> None:
        if not _state_is_whole(found):
            return
        states = self.folder / "states"
        states.mkdir(exist_ok=True)
        older = list(states.glob("step*"))
        target = states / f"step{step:08}"
        shutil.rmtree(target, ignore_errors=True)
        _move(found, target)
        for state in older:
            if state != target:
                shutil.rmtree(state, ignore_errors=True)

    def _take_file(self, found: Path, step: int, asked: bool, keep_last: int) -> None:
        if not asked:
            _move(found, self.fallback)
            self.remember(fallback_step=step)
            return
        self.target.parent.mkdir(parents=True, exist_ok=True)
        kept = self.target.with_stem(f"{self.target.stem}-step{step:08}")
        _move(found, kept)
        self.saved[step] = kept
        while keep_last and len(self.saved) > keep_last:
            self.saved.pop(min(self.saved)).unlink(missing_ok=True)


def run_folder(
    runs: Path, models: Path, name: str, suffix: str, fingerprint: str, serves: Callable[[RunFolder], bool]
) -> RunFolder:
    """The folder of an earlier run of this name and fingerprint that `serves`, else a new one under a free name.

    A run whose `run.json` cannot be read is passed over, and so is one that another process trains at this moment:
    their names count as taken. So does one of which there are checkpoints, though its run was deleted.
    """
    for file in sorted(runs.glob(f"{escape(name)}*/{SCRIPTS_RUN_NAME}")):
        if not re.fullmatch(rf"{re.escape(name)}(_\d{{5}})?", file.parent.name):
            continue
        try:
            facts = dict(read_untrusted_json(file))
        except (ValueError, TypeError):
            continue
        target = models / f"{file.parent.name}{suffix}"
        run = RunFolder(file.parent, target, facts, _saved_before(target))
        if facts.get("fingerprint") == fingerprint and serves(run) and (claim := claim_run(runs, file.parent.name)):
            run.claim = claim
            return run

    def is_free(stem: str) -> bool:
        target = models / f"{stem}{suffix}"
        return not target.exists() and not _saved_before(target) and not (runs / stem).exists()

    stem, claim = claim_name(runs, name, is_free)
    return RunFolder(runs / stem, models / f"{stem}{suffix}", {"fingerprint": fingerprint}, claim=claim)


def _saved_before(target: Path) -> dict[int, Path]:
    files = target.parent.glob(f"{escape(target.stem)}-step*{target.suffix}")
    named = ((_name_in_course(target, file), file) for file in files)
    return {name[0]: file for name, file in named if name}


def is_whole(file: Path) -> bool:
    """Whether a weights file has all its bytes: a safetensors header says how many, a ckpt's index is at its end."""
    if file.suffix != ".safetensors":
        return zipfile.is_zipfile(file)
    size = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if size < 8 or length > size:
            return False
        header = parse_untrusted_json(opened.read(length).decode()) if size >= 8 + length else {}
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    return bool(ends) and size == 8 + length + max(ends)


def _png_is_whole(file: Path) -> bool:
    with file.open("rb") as opened:
        opened.seek(max(0, opened.seek(0, os.SEEK_END) - len(_PNG_END)))
        return opened.read() == _PNG_END


def _state_is_whole(folder: Path) -> bool:
    parts = [folder / name for name in _STATE_PARTS]
    weights = [*folder.glob("*.safetensors")]
    return (
        all(part.is_file() and zipfile.is_zipfile(part) for part in parts)
        and bool(weights)
        and all(is_whole(file) for file in weights)
    )


def _name_in_course(target: Path, found: Path) -> tuple[int, bool] | None:
    """The number in a name that sd-scripts gives on its way, and whether it counts epochs; None for other names."""
    endings = f"-state|{re.escape(target.suffix)}"
    name = re.fullmatch(rf"{re.escape(target.stem)}-(step)?(\d+)(?:{endings})", found.name)
    return (int(name[2]), name[1] is None) if name else None


def _move(source: Path, target: Path) -> None:
    try:
        os.replace(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.move(source, target)
