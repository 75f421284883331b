"""The image files of a folder, and what its manifests and their names say they are."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..common.errors import InputError
from ..common.files import is_text, natural_order
from ..common.images import IMAGE_SUFFIXES
from ..common.manifest import MANIFEST_NAME, MaterialRecord, read_manifest
from ..common.map_kinds import NamedMap, maps_by_name, without_previews
from ..common.paths import is_inside
from ..common.texture_dataset import Rejected
from .written_files import LIST_NAME

COMPANIONS = {".txt", ".caption", ".jsonl", ".sbsar", ".bak"}  # files that lie beside images and are no images
OWN_LISTS = {
    MANIFEST_NAME,
    LIST_NAME,
    "downloads.json",
    "material.json",
    "dataset.json",
}  # what nodes of the pack write
FOREIGN_CAPTIONS = "not read: captions come from text files and metadata.jsonl"
TABLES = {".json", ".csv", ".tsv", ".parquet"}  # where other tools keep captions
ASIDE = {"mask", "masks", "thumb", "thumbs", "thumbnail", "thumbnails", "preview", "previews"}  # folders beside images

NO_TEXT = "its path holds letters that are no text (of another encoding than UTF-8): rename it"
KNOWN_SUFFIXES = IMAGE_SUFFIXES | COMPANIONS
LEADS_OUTSIDE = "a link that leads outside the allowed folders (list its place as tilewright_datasets to allow it)"


@dataclass(frozen=True)
class ImageFile:
    """An image with what is known of it before it is read. material begins with the folder below the dataset's."""

    path: Path
    named: NamedMap
    record: MaterialRecord | None = None


def find_images(folder: Path, roots: Sequence[Path]) -> tuple[list[ImageFile], list[Rejected]]:
    """The images of `folder` and the folders below it in natural order, and the files that are none, with reasons.

    A link is followed only to a file inside `roots`. Hidden files and folders are not looked at.
    """
    images: list[ImageFile] = []
    rejected: list[Rejected] = []
    for parent, found, odd in _walk(folder):
        files = [file for file in found if is_text(str(file.relative_to(folder)))]
        rejected += [Rejected(file, NO_TEXT) for file in sorted(set(found) - set(files))]
        rejected += [
            Rejected(path, "not an ordinary file or folder (links to folders are not followed)") for path in odd
        ]
        inside = [file for file in files if not file.is_symlink() or any(is_inside(file, root) for root in roots)]
        rejected += [Rejected(file, LEADS_OUTSIDE) for file in sorted(set(files) - set(inside))]
        pictures = [file for file in inside if file.suffix.lower() in IMAGE_SUFFIXES]
        others = [file for file in inside if file.suffix.lower() not in KNOWN_SUFFIXES and file.name not in OWN_LISTS]
        rejected += [
            Rejected(file, FOREIGN_CAPTIONS if file.suffix.lower() in TABLES else _no_image(file)) for file in others
        ]
        records, broken = _records(parent, inside)
        images += _named(folder, parent, pictures, records)
        rejected += broken
    return sorted(images, key=lambda image: natural_order(image.path)), rejected


def _no_image(file: Path) -> str:
    if file.name != file.name.rstrip(". "):
        return "its name ends with a dot or a space, which no image's does: rename it"
    return f"not an image that Tilewright reads ({file.suffix or 'no ending'})"


def fingerprint(folder: Path) -> list[tuple[str, int, int]]:
    """(relative path, size, modification time) of every file, or of the one file that `folder` is.

    It differs when a file was changed, added or removed.
    """
    files = [folder] if folder.is_file() else [file for _, files, _ in _walk(folder) for file in files]
    found = []
    for file in files:
        with suppress(FileNotFoundError):  # deleted while we look
            state = file.stat()
            found.append((str(file.relative_to(folder)), state.st_size, state.st_mtime_ns))
    return sorted(found)


def _walk(folder: Path) -> Iterator[tuple[Path, list[Path], list[Path]]]:
    """Each folder with its files, and with what is neither a file nor a folder of its own."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [Path(parent, name) for name in sorted(names) if not name.startswith(".")]
        odd = [path for path in paths if not path.is_file()]
        odd += [link for name in folders if (link := Path(parent, name)).is_symlink()]
        yield Path(parent), [path for path in paths if path not in set(odd)], odd


def _records(parent: Path, files: Sequence[Path]) -> tuple[list[MaterialRecord], list[Rejected]]:
    if parent / MANIFEST_NAME not in files:
        return [], []
    try:
        return read_manifest(parent), []
    except InputError as error:
        return [], [Rejected(parent / MANIFEST_NAME, f"ignored, maps are recognised by their names: {error}")]


def _named(
    folder: Path, parent: Path, pictures: Sequence[Path], records: Sequence[MaterialRecord]
) -> Iterator[ImageFile]:
    by_manifest = {
        name: (NamedMap(record.name, kind), record) for record in records for kind, name in record.maps.items()
    }
    by_name = without_previews(maps_by_name(path.stem for path in pictures if path.name not in by_manifest))
    aside = parent != folder and parent.name.lower() in ASIDE  # the folder that was chosen is meant, whatever its name
    beside = {path.stem for path in parent.parent.iterdir()} if aside else set()
    for path in pictures:
        named, record = by_manifest.get(path.name) or (by_name[path.stem], None)
        if not named.kind and path.stem in beside:
            named = replace(named, kind="other")
        material = (parent.relative_to(folder) / named.material).as_posix()
        yield ImageFile(path, replace(named, material=material), record)
