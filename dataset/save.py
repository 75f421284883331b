"""Datasets to folders: kohya's `N_name` folders with text files, or Hugging Face's `train/` with metadata.jsonl."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..common.caption_files import (
    OVERWRITE,
    UnreadableCaption,
    check_writable,
    keep_backup,
    merge_caption,
    read_text,
    write_caption,
)
from ..common.errors import InputError, UnreadableImage
from ..common.files import fitting_name, written_whole
from ..common.image_writing import write_png
from ..common.images import IMAGE_SUFFIXES
from ..common.manifest import MaterialRecord, write_manifest
from ..common.map_kinds import COLOR_MAPS
from ..common.paths import is_inside
from ..common.texture_dataset import Rejected, Sample, TextureDataset
from .caption_lookup import METADATA, parse_metadata
from .parallel import in_parallel, pixels_of
from .written_files import WrittenFile, list_written_files, read_written_files, remove_written_files, source_key

KOHYA, HUGGING_FACE = "kohya", "Hugging Face"
LAYOUTS = [KOHYA, HUGGING_FACE]


@dataclass(frozen=True)
class Saving:
    """How to write. concept names kohya's folders; captions is "keep", "append" or "overwrite"; bits is 8 or 16
    for data maps, colour is always 8. roots are the folders that may be written to. sync removes what an earlier
    run wrote and this dataset does not hold."""

    layout: str
    concept: str
    captions: str
    bits: int
    roots: Sequence[Path]
    sync: bool = False


@dataclass(frozen=True)
class Saved:
    """What saving did: the files written, what became of the captions, files that could not be read, images below the
    folder that this dataset did not write, and such of an earlier run that were removed."""

    files: list[Path]
    captions: Counter[str]
    rejected: list[Rejected]
    unrelated_files: list[Path]
    removed: list[Path] = field(default_factory=list)


@dataclass(frozen=True)
class _Plan:
    """A sample and its file. earlier is where a former run put the same picture, None for nowhere else; known is
    what the folder's list says of the file that stands at `target`."""

    sample: Sample
    background: tuple[float, float, float]
    target: Path
    earlier: Path | None = None
    known: WrittenFile | None = None

    @property
    def source(self) -> str:
        return source_key(self.sample.file)


@dataclass(frozen=True)
class _Written:
    """reason: why there is no file, None where there is. same_picture: what stood there before was that picture."""

    reason: str | None = None
    same_picture: bool = True


def save_dataset(
    folder: Path, parts: Mapping[str, TextureDataset], saving: Saving, checked: Callable[[int, int], None]
) -> Saved:
    """Write the datasets of `parts` ("train", "validation") below `folder` as upright PNGs without alpha.

    Every file appears whole or not at all, so an interrupted run can be repeated. A picture that an earlier run saved
    keeps its file name, or takes its caption along where it moves, and leaves no second copy. Raises `InputError`
    where the dataset's own images lie in `folder` and where a link in it leads outside.
    """
    _check_not_over_itself(folder, parts.values())
    plans = _plans(folder, parts, saving)
    for parent in dict.fromkeys(plan.target.parent for plan in plans):
        if not is_inside(parent, folder):
            raise InputError(f"{parent} is a link that leads out of the folder that is written to. Remove the link.")
    check_writable([plan.target.with_suffix(".txt") for plan in plans], saving.roots)
    outcomes = in_parallel(
        lambda plan: _write_image(plan, saving.bits), plans, checked, lambda plan: pixels_of(plan.sample)
    )
    written = [(plan, outcome) for plan, outcome in zip(plans, outcomes, strict=True) if outcome.reason is None]
    rejected = [Rejected(plan.sample.file, one.reason) for plan, one in zip(plans, outcomes, strict=True) if one.reason]
    captions = _write_captions(written, saving)
    _write_manifests([plan for plan, _ in written])
    files = [plan.target for plan, _ in written]
    list_written_files(folder, {plan.target: plan.source for plan, _ in written})
    stale = {plan.earlier for plan, _ in written if plan.earlier}
    if saving.sync:
        stale |= read_written_files(folder).keys() - set(files)
    removed, _ = remove_written_files(folder, sorted(stale))
    return Saved(files, captions, rejected, _unrelated_files(folder, files), removed)


def _plans(folder: Path, parts: Mapping[str, TextureDataset], saving: Saving) -> list[_Plan]:
    """A file for each sample: the one that an earlier run gave it in the same folder, else one by its name. Images of
    the same name from different folders get numbers."""
    known = read_written_files(folder)
    earlier: dict[str, list[Path]] = {}
    for path, one in known.items():
        earlier.setdefault(one.source, []).append(path)
    samples = [
        (sample, dataset.background, folder / _folder_name(part, sample, saving))
        for part, dataset in parts.items()
        for sample in dataset.samples
    ]
    own = [_earlier_in(earlier.get(source_key(sample.file), []), parent) for sample, _, parent in samples]
    taken = {_key(path) for path in own if path}
    targets = [
        path or _free_target(parent, sample, taken) for (sample, _, parent), path in zip(samples, own, strict=True)
    ]
    plans = []
    for (sample, background, _), target in zip(samples, targets, strict=True):
        elsewhere = [path for path in earlier.get(source_key(sample.file), []) if _key(path) not in taken]
        plans.append(_Plan(sample, background, target, next(iter(elsewhere), None), known.get(target)))
    return plans


def _earlier_in(paths: Sequence[Path], parent: Path) -> Path | None:
    return next((path for path in paths if path.parent == parent), None)


def _free_target(parent: Path, sample: Sample, taken: set[str]) -> Path:
    number = 1
    while True:
        target = parent / fitting_name(sample.file.stem, ".png" if number == 1 else f" ({number}).png")
        if _key(target) not in taken:
            taken.add(_key(target))
            return target
        number += 1


def _key(path: Path) -> str:
    """Some file systems take names that differ in case for the same."""
    return str(path).casefold()


def _folder_name(part: str, sample: Sample, saving: Saving) -> str:
    parent = f"{part}_regularisation" if sample.regularisation else part
    return parent if saving.layout == HUGGING_FACE else f"{parent}/{sample.repeats}_{saving.concept}"


def _write_image(plan: _Plan, bits: int) -> _Written:
    try:
        image = plan.sample.read_opaque(plan.background)
    except UnreadableImage as error:
        return _Written(error.reason)
    other_source = plan.known is not None and plan.known.source != plan.source
    before = plan.target.read_bytes() if other_source else b""
    write_png(plan.target, image, 8 if plan.sample.map in COLOR_MAPS else bits)
    return _Written(same_picture=not other_source or before == plan.target.read_bytes())


def _write_captions(written: Sequence[tuple[_Plan, _Written]], saving: Saving) -> Counter[str]:
    if saving.layout == KOHYA:
        return Counter(_write_caption(plan, outcome, saving) for plan, outcome in written)
    folders = dict.fromkeys(plan.target.parent for plan, _ in written)
    return sum((_write_metadata(folder, written, saving) for folder in folders), Counter())


def _write_caption(plan: _Plan, outcome: _Written, saving: Saving) -> str:
    path = plan.target.with_suffix(".txt")
    if path.is_file() and not outcome.same_picture:
        return write_caption(path, plan.sample.caption, OVERWRITE, saving.roots, backup=True)
    if not path.is_file() and (carried := _carried_caption(plan)):
        write_caption(path, carried, OVERWRITE, saving.roots)
    return write_caption(path, plan.sample.caption, saving.captions, saving.roots, backup=True)


def _carried_caption(plan: _Plan) -> str:
    """The caption that the picture had where an earlier run put it, which may have been written by hand since."""
    if not plan.earlier:
        return ""
    try:
        if plan.earlier.with_suffix(".txt").is_file():
            return read_text(plan.earlier.with_suffix(".txt")).strip()
        metadata = plan.earlier.parent / METADATA
        entries = parse_metadata(read_text(metadata)).entries if metadata.is_file() else {}
    except UnreadableCaption:
        return ""
    return entries.get(plan.earlier.name, {}).get("text", "")


def _write_metadata(folder: Path, written: Sequence[tuple[_Plan, _Written]], saving: Saving) -> Counter[str]:
    """One line for each image; lines of other images that still exist stay. What cannot be read becomes a backup."""
    path = folder / METADATA
    existing = _existing_entries(path)
    entries = {name: entry for name, entry in existing.items() if (folder / name).is_file()}
    outcome: Counter[str] = Counter()
    for plan, how in written:
        if plan.target.parent == folder:
            kept = existing.get(plan.target.name, {}).get("text", "") if how.same_picture else ""
            old = kept or _carried_caption(plan)
            text = merge_caption(old, plan.sample.caption, saving.captions)
            outcome["written" if text != old else "kept"] += 1
            entries[plan.target.name] = _metadata_entry(plan.sample, plan.target.name, text)
    with written_whole(path) as unfinished:
        lines = [json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries.values()]
        unfinished.write_text("".join(lines), encoding="utf-8")
    return outcome


def _existing_entries(path: Path) -> dict[str, dict[str, Any]]:
    if not path.is_file():
        return {}
    try:
        lines = parse_metadata(read_text(path))
    except UnreadableCaption:
        keep_backup(path)
        return {}
    if lines.bad or lines.without_text:
        keep_backup(path)
    return lines.entries


def _metadata_entry(sample: Sample, name: str, text: str) -> dict[str, Any]:
    return {
        "file_name": name,
        "text": text,
        "map": sample.map,
        "material": sample.material,
        "tileable": sample.tileable,
        "repeats": sample.repeats,
    }


def _write_manifests(written: Sequence[_Plan]) -> None:
    """What is known of renders goes with them, so that the saved folder can be captioned and loaded as well."""
    folders: dict[Path, dict[str, MaterialRecord]] = {}
    for plan in written:
        sample, target = plan.sample, plan.target
        if sample.record:
            records = folders.setdefault(target.parent, {})
            known = records.get(sample.record.name) or replace(sample.record, maps={})
            records[sample.record.name] = replace(known, maps={**known.maps, sample.map: target.name})
    for folder, records in folders.items():
        write_manifest(folder, {"name": "Tilewright saved dataset"}, records.values())


def _unrelated_files(folder: Path, written: Iterable[Path]) -> list[Path]:
    """Images below the folders that trainers would read, from whoever put them there."""
    own = set(written)
    tops = {folder / path.relative_to(folder).parts[0] for path in own}
    found = (path for top in tops for path in top.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    return sorted(path for path in found if path not in own and not path.name.startswith("."))


def _check_not_over_itself(folder: Path, datasets: Iterable[TextureDataset]) -> None:
    for dataset in datasets:
        inside = next((sample.file for sample in dataset.samples if sample.file.is_relative_to(folder)), None)
        if inside:
            raise InputError(f"The dataset's own images lie in {folder} ({inside.name}). Save it under another name.")
