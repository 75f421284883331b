"""Files that appear whole or not at all, under names that cannot leave their folder."""

import hashlib
import itertools
import json
import os
import re
import threading
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import InputError
from .paths import RESERVED_ON_WINDOWS

MOST_LETTERS, MOST_BYTES = 120, 200  # of a name that a user gives: endings and numbers are put behind it
LONGEST_NAME = 255  # bytes that file systems take


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it takes the name `path` only when the block ends well.

    A cancelled or crashed write leaves the old file, if there was one, as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Named by a digest: with a number behind it a long name would be too long for the file system.
    digest = hashlib.sha256(path.name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    unfinished = path.with_name(f".{digest}.{os.getpid()}.{threading.get_ident()}.part{path.suffix}")
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def content_digest(path: Path, kind: Callable[[], Any] = hashlib.sha256) -> str:
    """Digest of a file's bytes in hexadecimal, read a mebibyte at a time."""
    digest = kind()
    with path.open("rb") as file:
        while part := file.read(2**20):
            digest.update(part)
    return digest.hexdigest()


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented UTF-8 JSON, whole or not at all."""
    with written_whole(path) as unfinished:
        unfinished.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def check_name(name: str, what: str) -> str:
    """Return `name` stripped if it can name a file or folder on every system; raise `InputError` otherwise."""
    name = name.strip()
    bad = re.search(r'[<>:"/\\|?*\x00-\x1f]', name)
    if (
        not name
        or bad
        or name.strip(".") != name
        or name.split(".")[0].strip().lower() in RESERVED_ON_WINDOWS
        or len(name) > MOST_LETTERS
        or _bytes(name) > MOST_BYTES
    ):
        raise InputError(
            f"{what} is {name!r}, which cannot name a file or folder. Use letters, digits, spaces, '-' and '_', at "
            f"most {MOST_LETTERS} of them and {MOST_BYTES} bytes (letters beyond ASCII take 2 to 4), without slashes "
            "or dots at the ends."
        )
    return name


def fitting_name(stem: str, ending: str) -> str:
    """`stem` + `ending`, the stem shortened by a digest of what it loses where both are too long for a file system."""
    room = LONGEST_NAME - _bytes(ending)
    if _bytes(stem) <= room:
        return stem + ending
    digest = hashlib.sha256(stem.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return stem.encode("utf-8")[: room - 9].decode("utf-8", "ignore") + "-" + digest + ending


def _bytes(name: str) -> int:
    return len(name.encode("utf-8", "surrogatepass"))


def free_name(name: str, is_taken: Callable[[str], bool]) -> str:
    """`name`, or else the first of name_00002, name_00003, ... that is not taken."""
    numbered = (f"{name}_{number:05}" for number in itertools.count(2))
    return next(free for free in itertools.chain([name], numbered) if not is_taken(free))


def name_key(name: str) -> str:
    """The same for names that some file systems take for one: such as differ in case, or in how accents are kept."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def natural_order(path: Path) -> list[tuple[int, int | str]]:
    """A sort key under which `brick_2` comes before `brick_10`."""
    parts = re.split(r"(\d+)", path.as_posix().lower())
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts]
