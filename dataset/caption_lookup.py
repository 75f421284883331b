"""Captions that lie beside the images: text files of the same name, and Hugging Face's metadata.jsonl."""

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from .rejected_files import Rejected

METADATA = "metadata.jsonl"
AUTOMATIC = "auto"
CAPTION_SOURCES = [AUTOMATIC, ".txt", ".caption", METADATA, "none"]
MOST_REPEATS = 1000  # a folder "2024_renders" is a year
_CAPTION_KEYS = ("text", "caption")


class CaptionFiles:
    """Looks up the caption of an image. Files that cannot be read are gathered in `rejected` and pass as absent."""

    def __init__(self, source: str, readable: Callable[[Path], bool]) -> None:
        """source is one of CAPTION_SOURCES; readable says whether a file may be read at all."""
        self.rejected: list[Rejected] = []
        self._readable = readable
        self._suffixes = [".txt", ".caption"] if source == AUTOMATIC else [source] if source.startswith(".") else []
        self._uses_metadata = source in (AUTOMATIC, METADATA)
        self._metadata = lru_cache(maxsize=None)(self._read_metadata)

    def caption(self, image: Path, material_file: str, folder: Path) -> str | None:
        """The caption of `image`, None without one.

        Its own text file comes first, then the one of its material ("wall.txt" for "wall_height.png"), then its
        line in the nearest metadata.jsonl between its folder and `folder`.
        """
        for name in (image.stem, material_file):
            for suffix in self._suffixes:
                if (text := self._read(image.parent / f"{name}{suffix}")) is not None:
                    return " ".join(text.split())
        return self._from_metadata(image, folder) if self._uses_metadata else None

    def _from_metadata(self, image: Path, folder: Path) -> str | None:
        for parent in image.parents:
            caption = self._metadata(parent / METADATA).get(image.relative_to(parent).as_posix())
            if caption is not None or parent == folder:
                return caption
        return None

    def _read_metadata(self, path: Path) -> dict[str, str]:
        entries, bad_lines = metadata_entries(self._read(path) or "")
        for number in bad_lines:
            self.rejected.append(Rejected(path, f"line {number} is not an entry with file_name and text"))
        return {name: " ".join(entry["text"].split()) for name, entry in entries.items()}

    def _read(self, path: Path) -> str | None:
        if not path.is_file():
            return None
        try:
            if self._readable(path):
                return path.read_text(encoding="utf-8-sig")
            self.rejected.append(Rejected(path, "a link that leads outside the allowed folders"))
        except UnicodeDecodeError:
            self.rejected.append(Rejected(path, "not UTF-8 text, so it was not used as a caption"))
        except OSError as error:
            self.rejected.append(Rejected(path, f"the system says {error.strerror!r}"))
        return None


def metadata_entries(content: str) -> tuple[dict[str, dict], list[int]]:
    """The entries of a metadata.jsonl by file name, each with its caption as "text", and the numbers of bad lines."""
    entries, bad_lines = {}, []
    for number, line in enumerate(content.split("\n"), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            text = next(entry[key] for key in _CAPTION_KEYS if key in entry)
            entries[entry["file_name"]] = {**entry, "text": str(text)}
        except (ValueError, KeyError, TypeError, AttributeError, StopIteration, RecursionError):
            bad_lines.append(number)
    return entries, bad_lines


def kohya_folder(image: Path, folder: Path) -> tuple[int, str]:
    """Repeats and caption that kohya's folder names give: 10 and "twbricks wall" below "10_twbricks wall".

    1 and "" where no folder between the image's and `folder`, these included, is named so.
    """
    for parent in image.parents:
        number, _, words = parent.name.partition("_")
        if number.isdecimal() and 0 < int(number) <= MOST_REPEATS and words:
            return int(number), words.replace("_", " ")
        if parent == folder:
            break
    return 1, ""
