"""Captions that lie beside the images: text files of the same name, and Hugging Face's metadata.jsonl."""

import posixpath
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..common.caption_files import AUTOMATIC, UnreadableCaption, read_text
from ..common.errors import InputError
from ..common.texture_dataset import Rejected
from ..common.untrusted_json import parse_untrusted_json
from .image_files import LEADS_OUTSIDE

METADATA = "metadata.jsonl"
CAPTION_SOURCES = [AUTOMATIC, ".txt", ".caption", METADATA, "none"]
MOST_REPEATS = 1000  # a folder "2024_renders" is a year
NO_IMAGE = "a caption file that belongs to no image"
_CAPTION_KEYS = ("text", "caption")


@dataclass(frozen=True)
class MetadataLines:
    """The entries of a metadata.jsonl by file name, each with its caption as "text", and what is wrong with others:
    numbers of lines that are not entries, of those whose caption is not text, and of those that name an image again,
    whose caption then counts."""

    entries: dict[str, dict[str, Any]]
    bad: list[int]
    without_text: list[int]
    repeated: list[int] = field(default_factory=list)


class CaptionFiles:
    """Looks up the caption of an image. Files that cannot be read are gathered in `rejected` and pass as absent, those
    of several lines, which are read as one text, in `joined`."""

    def __init__(self, source: str, readable: Callable[[Path], bool], encoding: str = AUTOMATIC) -> None:
        """source is one of CAPTION_SOURCES; readable says whether a file may be read at all; encoding is one of
        `ENCODINGS`."""
        self.rejected: list[Rejected] = []
        self.joined: set[Path] = set()
        self._readable = readable
        self._encoding = encoding
        self._suffixes = [".txt", ".caption"] if source == AUTOMATIC else [source] if source.startswith(".") else []
        self._uses_metadata = source in (AUTOMATIC, METADATA)
        self._metadata = lru_cache(maxsize=None)(self._read_metadata)
        self._folder = lru_cache(maxsize=None)(self._text_files)
        self._text = lru_cache(maxsize=None)(self._read)

    def caption(self, image: Path, material_file: str, folder: Path) -> str | None:
        """The caption of `image`, None without one.

        Its own text file comes first ("wall.txt" or "wall.png.txt"), then the one of its material ("wall.txt" for
        "wall_height.png"), then its line in the nearest metadata.jsonl between its folder and `folder`. Case, and how
        accents are encoded, do not count; a file that says nothing leaves the word to the next one.
        """
        found = None
        for name in (image.stem, image.name, material_file):
            files = self._folder(image.parent).get(_key(name), [])
            for file in sorted(files, key=lambda file: file.stem != name):  # "Wall.txt" is not for "wall.png" beside it
                if (text := self._text(file)) is not None:
                    found = " ".join(text.split())
                if text and len(text.strip().splitlines()) > 1:
                    self.joined.add(file)
                if found:
                    return found
        in_metadata = self._from_metadata(image, folder) if self._uses_metadata else None
        return in_metadata if in_metadata is not None else found

    def unmatched(self, images: Iterable[tuple[Path, str]]) -> list[Path]:
        """The text files in the folders of `images` (with the file name of each one's material) that name none."""
        named: dict[Path, set[str]] = {}
        for image, material_file in images:
            named.setdefault(image.parent, set()).update(map(_key, (image.stem, image.name, material_file)))
        return [
            file
            for folder, names in named.items()
            for key, files in self._folder(folder).items()
            if key not in names
            for file in files
        ]

    def _text_files(self, folder: Path) -> dict[str, list[Path]]:
        """The folder's text files by what they name, .txt before .caption."""
        found: dict[str, list[Path]] = {}
        files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in self._suffixes and path.is_file()]
        for path in sorted(files, key=lambda path: self._suffixes.index(path.suffix.lower())):
            if not path.name.startswith("."):
                found.setdefault(_key(path.stem), []).append(path)
        return found

    def _from_metadata(self, image: Path, folder: Path) -> str | None:
        for parent in image.parents:
            name, captions = image.relative_to(parent).as_posix(), self._metadata(parent / METADATA)
            caption = captions.get(name, captions.get(_key(name)))
            if caption is not None or parent == folder:
                return caption
        return None

    def _read_metadata(self, path: Path) -> dict[str, str]:
        lines = parse_metadata((self._text(path) or "") if path.is_file() else "")
        self.rejected += [Rejected(path, f"line {one} is not an entry with file_name and text") for one in lines.bad]
        self.rejected += [Rejected(path, f"line {one} has no text as its caption") for one in lines.without_text]
        self.rejected += [Rejected(path, f"line {one} is for an image of an earlier line") for one in lines.repeated]
        named = {name: _relative(path.parent, name) for name in lines.entries}
        missing = [name for name, place in named.items() if not (path.parent / place).is_file()]
        if missing:
            first = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
            self.rejected.append(Rejected(path, f"{len(missing)} lines are for images that are not there ({first})"))
        twice = (place for place, count in Counter(named.values()).items() if count > 1)
        self.rejected += [Rejected(path, f"several lines are for {place}, the last counts") for place in twice]
        captions = {named[name]: " ".join(entry["text"].split()) for name, entry in lines.entries.items()}
        return {_key(place): caption for place, caption in captions.items()} | captions

    def _read(self, path: Path) -> str | None:
        if not self._readable(path):
            self.rejected.append(Rejected(path, LEADS_OUTSIDE))
            return None
        try:
            return read_text(path, self._encoding)
        except UnreadableCaption as error:
            self.rejected.append(Rejected(path, error.reason))
            return None


def parse_metadata(content: str) -> MetadataLines:
    """The lines of a metadata.jsonl."""
    lines = MetadataLines({}, [], [])
    for number, line in enumerate(content.split("\n"), 1):
        if not line.strip():
            continue
        try:
            entry = parse_untrusted_json(line)
        except InputError:
            entry = None
        name = entry.get("file_name") if isinstance(entry, dict) else None
        key = next((key for key in _CAPTION_KEYS if key in entry), "") if name else ""
        if not isinstance(name, str) or not key or "\0" in name:
            lines.bad.append(number)
        elif not isinstance(entry[key], str):
            lines.without_text.append(number)
        else:
            if name in lines.entries:
                lines.repeated.append(number)
            lines.entries[name] = {**entry, "text": entry[key]}
    return lines


def kohya_folder(image: Path, folder: Path) -> tuple[int, str]:
    """Repeats and caption that kohya's folder names give: 10 and "twbricks wall" below "10_twbricks wall".

    1 and "" where no folder between the image's and `folder`, these included, is named so.
    """
    numbered = ((number, words) for _, number, words in _numbered_folders(image, folder) if 0 < number <= MOST_REPEATS)
    return next(numbered, (1, ""))


def odd_kohya_folder(image: Path, folder: Path) -> Path | None:
    """The folder between an image's and `folder` whose name begins as kohya's do, but with a number that is none of
    repeats: 0_wall, 2024_renders; or that is a number alone, which kohya's own tools take for one of repeats. None
    where there is no such folder, or one that is named as kohya's are."""
    numbered = list(_numbered_folders(image, folder))
    if any(0 < number <= MOST_REPEATS for _, number, _ in numbered):
        return None
    bare = (parent for parent in _up_to(image, folder) if parent.name.isdecimal())
    return next((parent for parent, _, _ in numbered), None) or next(bare, None)


def _numbered_folders(image: Path, folder: Path) -> Iterator[tuple[Path, int, str]]:
    """The folders from the image's up to `folder` that are named by number and words, as 10_twbricks_wall, or 10_."""
    for parent in _up_to(image, folder):
        number, mark, words = parent.name.partition("_")
        if number.isdecimal() and mark:
            yield parent, int(number), words.replace("_", " ").strip()


def _up_to(image: Path, folder: Path) -> Iterator[Path]:
    for parent in image.parents:
        yield parent
        if parent == folder:
            return


def _relative(folder: Path, name: str) -> str:
    """An image's name below `folder`, however a line writes it: "./wall.png", "train\\wall.png", its whole path."""
    if "\\" in name and not (folder / name).is_file():
        name = name.replace("\\", "/")
    if Path(name).is_absolute() and Path(name).is_relative_to(folder):
        name = Path(name).relative_to(folder).as_posix()
    return posixpath.normpath(name)


def _key(name: str) -> str:
    """A name whatever its case and the form of its accents."""
    return unicodedata.normalize("NFC", name).casefold()
