"""A list, kept in a folder, of the files that a node wrote there and what it made them from.

It tells a picture from another of the same name, so that a caption stays with its own, and files that an earlier run
wrote from such as somebody put there, so that only the former may go.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from ..common.caption_files import BackUp, keep_backup
from ..common.errors import InputError
from ..common.files import write_json
from ..common.untrusted_json import read_untrusted_json

LIST_NAME = "tilewright_files"
FORMAT, VERSION = "tilewright-files", 1


Entry = TypeVar("Entry", "WrittenFile", "WrittenCaption")


@dataclass(frozen=True)
class WrittenFile:
    """source says which file it was made from; size in bytes and time in ns are those that it was left with."""

    source: str
    size: int
    time: int


NO_CAPTIONS: Mapping[Path, "WrittenCaption"] = MappingProxyType({})


@dataclass(frozen=True)
class WrittenCaption:
    """digest is the `caption_digest` of what a run left beside a file; by_hand: a person wrote it in the graph."""

    digest: str
    by_hand: bool = False


def caption_digest(caption: str) -> str:
    """Names a caption, whatever white space it has between its words."""
    return hashlib.sha256(" ".join(caption.split()).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def source_key(file: Path, view: str = "") -> str:
    """Names a source file, and which view of it, without telling where it lies."""
    return hashlib.sha256(f"{file}\n{view}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def read_written_files(folder: Path) -> dict[Path, WrittenFile]:
    """The files that earlier runs wrote into `folder` and that are there, by path; {} without a list."""
    return _entries(folder, _content(folder), "files", WrittenFile)


def read_written_captions(folder: Path) -> dict[Path, WrittenCaption]:
    """The captions that earlier runs left beside files that are there, by the file; {} without a list."""
    return _entries(folder, _content(folder), "captions", WrittenCaption)


def list_written_files(
    folder: Path, sources: Mapping[Path, str], captions: Mapping[Path, WrittenCaption] = NO_CAPTIONS
) -> None:
    """Add files that were just written to the folder's list; sources are `source_key`s by path, captions what was left
    beside them."""
    content = _content(folder)
    known = _entries(folder, content, "files", WrittenFile)
    known |= {path: _written(path, source) for path, source in sources.items()}
    words = {**_entries(folder, content, "captions", WrittenCaption), **captions}
    listed = {"files": _named(folder, known), "captions": _named(folder, words)}
    write_json(folder / LIST_NAME, {"format": FORMAT, "version": VERSION, **listed})


def remove_written_files(
    folder: Path,
    files: Iterable[Path],
    carried: Collection[Path] = (),
    back_up: BackUp = keep_backup,
) -> tuple[list[Path], list[Path]]:
    """Delete those of `files` that are as a run of this node left them; returns what went and what was left.

    A caption file beside one is handed to `back_up` first, as it may have been written by hand; that of a `carried`
    one, whose words are kept at its new place, goes as well.
    """
    known = read_written_files(folder)
    removed, left = [], []
    for path in files:
        if path in known and known[path] == _written(path, known[path].source):
            path.unlink()
            if (caption := path.with_suffix(".txt")).is_file():
                if path not in carried:
                    back_up(caption)
                caption.unlink()
            removed.append(path)
        else:
            left.append(path)
    _remove_empty({path.parent for path in removed}, folder)
    return removed, left


def _content(folder: Path) -> dict[str, Any]:
    """What the folder's list holds, {} for none that this version reads."""
    if not (folder / LIST_NAME).is_file():
        return {}
    try:
        content: dict[str, Any] = read_untrusted_json(folder / LIST_NAME)
        return {} if content["format"] != FORMAT or content["version"] > VERSION else content
    except (InputError, KeyError, TypeError):
        return {}


def _entries(folder: Path, content: Mapping[str, Any], kind: str, entry: type[Entry]) -> dict[Path, Entry]:
    try:
        found = {name: entry(**facts) for name, facts in content.get(kind, {}).items()}
    except (TypeError, AttributeError):
        return {}
    return {folder / name: one for name, one in found.items() if _is_below(name) and (folder / name).is_file()}


def _named(folder: Path, entries: Mapping[Path, Entry]) -> dict[str, dict[str, object]]:
    return {path.relative_to(folder).as_posix(): asdict(one) for path, one in sorted(entries.items())}


def _written(path: Path, source: str) -> WrittenFile:
    state = path.stat()
    return WrittenFile(source, state.st_size, state.st_mtime_ns)


def _is_below(name: str) -> bool:
    path = Path(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name and "\0" not in name


def _remove_empty(parents: Collection[Path], folder: Path) -> None:
    for parent in parents:
        if parent != folder and not any(parent.iterdir()):
            parent.rmdir()
