"""Files that appear whole or not at all, under names that cannot leave their folder."""

import itertools
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import InputError

_RESERVED_ON_WINDOWS = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it takes the name `path` only when the block ends well.

    A cancelled or crashed write leaves the old file, if there was one, as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


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
        or name.split(".")[0].lower() in _RESERVED_ON_WINDOWS
        or len(name) > 120
    ):
        raise InputError(
            f"{what} is {name!r}, which cannot name a file or folder. "
            "Use letters, digits, spaces, '-' and '_', at most 120 of them, without slashes or dots at the ends."
        )
    return name


def free_name(name: str, is_taken: Callable[[str], bool]) -> str:
    """`name`, or else the first of name_00002, name_00003, ... that is not taken."""
    numbered = (f"{name}_{number:05}" for number in itertools.count(2))
    return next(free for free in itertools.chain([name], numbered) if not is_taken(free))


def natural_order(path: Path) -> list[tuple[int, int | str]]:
    """A sort key under which `brick_2` comes before `brick_10`."""
    parts = re.split(r"(\d+)", path.as_posix().lower())
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts]
