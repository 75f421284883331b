"""Datasets to folders: kohya's `N_name` folders with text files, or Hugging Face's `train/` with metadata.jsonl."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..common.caption_files import BackUp, check_writable, keep_backup
from ..common.errors import InputError, UnreadableImage
from ..common.image_writing import whole_numbers, write_pixels
from ..common.images import IMAGE_SUFFIXES
from ..common.locks import lock_beside, locked
from ..common.manifest import MANIFEST_NAME, MaterialRecord, read_manifest, write_manifest
from ..common.map_kinds import COLOR_MAPS
from ..common.paths import is_inside
from ..common.texture_dataset import Rejected, TextureDataset
from .caption_lookup import METADATA
from .parallel import in_parallel, pixels_of
from .save_plan import HUGGING_FACE, Plan, Saving, plan_files
from .saved_captions import Written, carried_caption, left_captions, write_captions
from .written_files import list_written_files, read_written_files, remove_written_files


@dataclass(frozen=True)
class Saved:
    """What saving did: the files written, what became of the captions, files that could not be read, images below the
    folder that this dataset did not write, such of an earlier run that were removed, and copies of what was
    replaced."""

    files: list[Path]
    captions: Counter[str]
    rejected: list[Rejected]
    unrelated_files: list[Path]
    removed: list[Path] = field(default_factory=list)
    backups: list[Path] = field(default_factory=list)


def save_dataset(
    folder: Path, parts: Mapping[str, TextureDataset], saving: Saving, checked: Callable[[int, int], None]
) -> Saved:
    """Write the datasets of `parts` ("train", "validation") below `folder` as upright PNGs without alpha.

    Every file appears whole or not at all, and where `checked` stops the run, what was written has its captions and is
    listed: it can be repeated. A picture that an earlier run saved keeps its file name, or takes its caption along
    where it moves, and leaves no second copy. Waits for another process that saves to the folder. Raises `InputError`
    where the dataset's own images lie in `folder` and where a link in it leads outside.
    """
    _check_not_over_itself(folder, parts.values())
    with locked(lock_beside(folder), lambda: checked(0, 1)):
        plans = plan_files(folder, parts, saving)
        for parent in dict.fromkeys(plan.target.parent for plan in plans):
            if not is_inside(parent, folder):
                raise InputError(
                    f"{parent} is a link that leads out of the folder that is written to. Remove the link."
                )
        check_writable([plan.target.with_suffix(".txt") for plan in plans], saving.roots)
        outcomes: dict[Path, Written] = {}

        def write(plan: Plan) -> None:
            outcomes[plan.target] = _write_image(plan, saving.bits)

        try:
            in_parallel(write, plans, checked, lambda plan: pixels_of(plan.sample))
        finally:
            done = [(plan, outcomes[plan.target]) for plan in plans if plan.target in outcomes]
            saved = _finish(folder, done, saving, whole=len(done) == len(plans))
        return saved


def _finish(folder: Path, outcomes: Sequence[tuple[Plan, Written]], saving: Saving, whole: bool) -> Saved:
    """Captions, manifests and the list of what was written; whole: nothing of the dataset is missing."""
    written = [(plan, outcome) for plan, outcome in outcomes if outcome.reason is None]
    files = [plan.target for plan, _ in written]
    backups: list[Path] = []

    def back_up(path: Path) -> None:
        backups.append(keep_backup(path))

    stale = {plan.earlier for plan, _ in written if plan.earlier}
    if saving.sync and whole:
        stale |= read_written_files(folder).keys() - set(files)
    captions = write_captions(written, saving, stale, back_up)
    _write_manifests([plan for plan, _ in written], back_up)
    carried = {plan.earlier for plan, _ in written if plan.earlier and carried_caption(plan)}
    left = left_captions(written, saving.layout)
    list_written_files(folder, {plan.target: plan.source for plan, _ in written}, left)
    removed, _ = remove_written_files(folder, sorted(stale), carried, back_up)
    rejected = [Rejected(plan.sample.file, outcome.reason) for plan, outcome in outcomes if outcome.reason]
    return Saved(files, captions, rejected, _unrelated_files(folder, files), removed, sorted(backups))


def caption_files(images: Iterable[Path], layout: str) -> list[Path]:
    """The files that hold the captions of saved images, of those that there are."""
    files = (image.with_name(METADATA) if layout == HUGGING_FACE else image.with_suffix(".txt") for image in images)
    return [file for file in dict.fromkeys(files) if file.is_file()]


def _write_image(plan: Plan, bits: int) -> Written:
    bits = 8 if plan.sample.map in COLOR_MAPS else bits
    try:
        pixels = whole_numbers(plan.sample.read_opaque(plan.background), bits)
    except UnreadableImage as error:
        return Written(error.reason)
    other_source = plan.known is not None and plan.known.source != plan.source
    before = plan.target.read_bytes() if other_source else b""
    write_pixels(plan.target, pixels)
    return Written(same_picture=not other_source or before == plan.target.read_bytes())


def _write_manifests(written: Sequence[Plan], back_up: BackUp) -> None:
    """What is known of renders goes with them, so that the saved folder can be captioned and loaded as well."""
    folders: dict[Path, list[Plan]] = {}
    for plan in written:
        if plan.sample.record:
            folders.setdefault(plan.target.parent, []).append(plan)
    for folder, plans in folders.items():
        records = _earlier_records(folder, {plan.target.name for plan in plans}, back_up)
        for plan in plans:
            if plan.sample.record:
                _add_map(records, plan.sample.record, plan.sample.map, plan.target.name)
        write_manifest(folder, {"name": "Tilewright saved dataset"}, records.values())


def _earlier_records(folder: Path, replaced: set[str], back_up: BackUp) -> dict[str, MaterialRecord]:
    """What earlier runs noted of files that are there and were not `replaced` by this one."""
    try:
        known = read_manifest(folder)
    except InputError:  # somebody else's
        back_up(folder / MANIFEST_NAME)
        return {}
    there = {
        one.name: {kind: file for kind, file in one.maps.items() if file not in replaced and (folder / file).is_file()}
        for one in known
    }
    return {one.name: replace(one, maps=there[one.name]) for one in known if there[one.name]}


def _add_map(records: dict[str, MaterialRecord], record: MaterialRecord, kind: str, file: str) -> None:
    """Note a map under its render; renders of one name that are not the same one get numbers."""
    number, name = 1, record.name
    while name in records and (
        replace(records[name], maps={}) != replace(record, name=name, maps={}) or kind in records[name].maps
    ):
        number += 1
        name = f"{record.name} ({number})"
    earlier = records[name].maps if name in records else {}
    records[name] = replace(record, name=name, maps={**earlier, kind: file})


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
