"""Datasets to folders: kohya's `N_name` folders with text files, or Hugging Face's `train/` with metadata.jsonl."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..common.caption_files import merge_caption, read_text, write_caption
from ..common.errors import InputError, UnreadableImage
from ..common.files import written_whole
from ..common.image_writing import write_png
from ..common.manifest import MaterialRecord, write_manifest
from ..common.map_kinds import COLOR_MAPS
from ..common.paths import is_inside
from ..common.texture_dataset import Rejected, Sample, TextureDataset
from .caption_lookup import METADATA, parse_metadata
from .parallel import in_parallel

KOHYA, HUGGING_FACE = "kohya", "Hugging Face"
LAYOUTS = [KOHYA, HUGGING_FACE]


@dataclass(frozen=True)
class Saving:
    """How to write. concept names kohya's folders; captions is "keep", "append" or "overwrite"; bits is 8 or 16
    for data maps, colour is always 8. roots are the folders that may be written to."""

    layout: str
    concept: str
    captions: str
    bits: int
    roots: Sequence[Path]


@dataclass(frozen=True)
class Saved:
    """What saving did: images written, what became of the captions, files that could not be read, files in the
    same folders that this dataset did not write."""

    images: int
    captions: Counter
    rejected: list[Rejected]
    strangers: list[Path]


def save_dataset(
    folder: Path, parts: Mapping[str, TextureDataset], saving: Saving, checked: Callable[[int, int], None]
) -> Saved:
    """Write the datasets of `parts` ("train", "validation") below `folder` as upright PNGs without alpha.

    Every file appears whole or not at all, so an interrupted run can be repeated. Raises `InputError` where the
    dataset's own images lie in `folder` and where a link in it leads outside.
    """
    _check_not_over_itself(folder, parts.values())
    planned = [
        (sample, dataset.background, target)
        for part, dataset in parts.items()
        for sample, target in _targets(folder, part, dataset, saving)
    ]
    for parent in dict.fromkeys(target.parent for _, _, target in planned):
        if not is_inside(parent, folder):
            raise InputError(f"{parent} is a link that leads out of the folder that is written to. Remove the link.")
    outcomes = in_parallel(lambda plan: _write_image(*plan, saving.bits), planned, checked)
    written = [(sample, target) for (sample, _, target), ok in zip(planned, outcomes, strict=True) if ok is None]
    rejected = [Rejected(plan[0].file, reason) for plan, reason in zip(planned, outcomes, strict=True) if reason]
    captions = _write_captions(written, saving)
    _write_manifests(written)
    return Saved(len(written), captions, rejected, _strangers(target for _, target in written))


def _targets(folder: Path, part: str, dataset: TextureDataset, saving: Saving) -> Iterator[tuple[Sample, Path]]:
    """A file for each sample. Images of the same name from different folders get numbers."""
    taken = Counter()
    for sample in dataset.samples:
        parent = folder / _folder_name(part, sample, saving)
        taken[parent / sample.file.stem.casefold()] += 1
        number = taken[parent / sample.file.stem.casefold()]
        yield sample, parent / (f"{sample.file.stem}.png" if number == 1 else f"{sample.file.stem} ({number}).png")


def _folder_name(part: str, sample: Sample, saving: Saving) -> str:
    parent = f"{part}_regularisation" if sample.regularisation else part
    return parent if saving.layout == HUGGING_FACE else f"{parent}/{sample.repeats}_{saving.concept}"


def _write_image(sample: Sample, background: tuple[float, float, float], target: Path, bits: int) -> str | None:
    try:
        image = sample.read_opaque(background)
    except UnreadableImage as error:
        return error.reason
    write_png(target, image, 8 if sample.map in COLOR_MAPS else bits)
    return None


def _write_captions(written: Sequence[tuple[Sample, Path]], saving: Saving) -> Counter:
    if saving.layout == KOHYA:
        return Counter(
            write_caption(target.with_suffix(".txt"), sample.caption, saving.captions, saving.roots)
            for sample, target in written
        )
    folders = dict.fromkeys(target.parent for _, target in written)
    return sum((_write_metadata(folder, written, saving) for folder in folders), Counter())


def _write_metadata(folder: Path, written: Sequence[tuple[Sample, Path]], saving: Saving) -> Counter:
    """One line for each image; lines of other images that still exist stay."""
    path = folder / METADATA
    existing = parse_metadata(read_text(path) if path.is_file() else "").entries
    entries = {name: entry for name, entry in existing.items() if (folder / name).is_file()}
    outcome = Counter()
    for sample, target in written:
        if target.parent == folder:
            old = existing.get(target.name, {}).get("text", "")
            text = merge_caption(old, sample.caption, saving.captions)
            outcome["written" if text != old else "kept"] += 1
            entries[target.name] = _metadata_entry(sample, target.name, text)
    with written_whole(path) as unfinished:
        lines = [json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries.values()]
        unfinished.write_text("".join(lines), encoding="utf-8")
    return outcome


def _metadata_entry(sample: Sample, name: str, text: str) -> dict:
    return {
        "file_name": name,
        "text": text,
        "map": sample.map,
        "material": sample.material,
        "tileable": sample.tileable,
        "repeats": sample.repeats,
    }


def _write_manifests(written: Sequence[tuple[Sample, Path]]) -> None:
    """What is known of renders goes with them, so that the saved folder can be captioned and loaded as well."""
    folders: dict[Path, dict[str, MaterialRecord]] = {}
    for sample, target in written:
        if sample.record:
            records = folders.setdefault(target.parent, {})
            known = records.get(sample.record.name) or replace(sample.record, maps={})
            records[sample.record.name] = replace(known, maps={**known.maps, sample.map: target.name})
    for folder, records in folders.items():
        write_manifest(folder, {"name": "Tilewright saved dataset"}, records.values())


def _strangers(targets: Iterator[Path]) -> list[Path]:
    targets = set(targets)
    return sorted(
        file for folder in {target.parent for target in targets} for file in folder.glob("*.png") if file not in targets
    )


def _check_not_over_itself(folder: Path, datasets: Iterable[TextureDataset]) -> None:
    for dataset in datasets:
        inside = next((sample.file for sample in dataset.samples if sample.file.is_relative_to(folder)), None)
        if inside:
            raise InputError(f"The dataset's own images lie in {folder} ({inside.name}). Save it under another name.")
