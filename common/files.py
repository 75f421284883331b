"""Files that appear whole or not at all, under names that cannot leave their folder."""

import errno
import hashlib
import itertools
import json
import os
import re
import threading
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .errors import InputError, UnwritableFile
from .paths import RESERVED_ON_WINDOWS

MOST_LETTERS, MOST_BYTES = 120, 200  # of a name that a user gives: endings and numbers are put behind it
_FREE_SOME = "Free some space on that disk and run again: what was written before is whole."
_ALLOW = "Allow ComfyUI to write there, or choose another folder."
_IN_THE_WAY = "Something else of that name stands in the way: rename it, or choose another name."
_ADVICE = {
    **dict.fromkeys((errno.EISDIR, errno.ENOTDIR, errno.EEXIST), _IN_THE_WAY),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), _FREE_SOME),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), _ALLOW),
    errno.EFBIG: "That disk takes no file of this size: make it smaller, or choose a folder on another disk.",
}
LONGEST_NAME = 255  # bytes that file systems take
_TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # writing directions
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f")  # a black flag and the letters of a country
_JOINING = "\u200c\u200d"  # letters of Persian and of Indian scripts, and emoji
_UNJOINED = ("LATIN", "GREEK", "CYRILLIC", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "DIGIT")  # what they do nothing to
_SIGNS_OF_NUMBERS = re.compile("[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd]")  # Cf, yet seen


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it takes the name `path` only when the block ends well.

    A cancelled or crashed write leaves the old file, if there was one, as it was. Raises `UnwritableFile`.
    """
    # Named by a digest: with a number behind it a long name would be too long for the file system.
    digest = hashlib.sha256(path.name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    unfinished = path.with_name(f".{digest}.{os.getpid()}.{threading.get_ident()}.part{path.suffix}")
    with told_if_unwritable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield unfinished
            os.replace(unfinished, path)
        finally:
            with suppress(OSError):  # what went wrong before it is what counts
                unfinished.unlink(missing_ok=True)


@contextmanager
def told_if_unwritable(path: Path) -> Iterator[None]:
    """Turn a full disk, or a folder that nothing may be written to, into an `UnwritableFile` that says what to do."""
    try:
        yield
    except UnwritableFile:
        raise
    except OSError as error:
        named = Path(os.fsdecode(error.filename)) if error.filename is not None else path
        concerned = named.is_relative_to(path.parent) or path.is_relative_to(named)
        if not concerned or error.errno not in _ADVICE:
            raise
        advice = _ADVICE[error.errno]
        in_the_way = advice == _IN_THE_WAY and ".part" not in named.suffixes
        raise UnwritableFile(named if in_the_way else path, error, advice) from error


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


def check_new_name(name: str, what: str, *parents: Path) -> str:
    """`check_name`, which refuses what nobody sees in a name too, unless something in `parents` is called so already.

    It would make a second folder that looks like the first, or one the other way round.
    """
    name = check_name(name, what)
    unseen = _unseen(name)
    if unseen and not any(name in entry.name for parent in parents if parent.is_dir() for entry in parent.iterdir()):
        called = unicodedata.name(unseen, "a control sign")
        raise InputError(
            f"{what} is {shown_name(name)}, in which nobody sees U+{ord(unseen):04X} ({called}). Type the name anew "
            "without it."
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


def is_text(name: str) -> bool:
    """Whether a name can be written as UTF-8. Bytes of another encoding in a file's name come as lone surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown_name(name: str) -> str:
    """A name for a report: line breaks, turned writing directions and what is no text are spelled out, as \\n."""
    return "".join(letter.encode("unicode_escape").decode() if _spoils(letter) else letter for letter in name)


def _unseen(name: str) -> str:
    """The first letter of a name that nobody sees; "" without one. What joins letters is seen by what it does."""
    shown = _SIGNS_OF_NUMBERS.sub("", _FLAG.sub("", name))
    for before, letter, after in zip(" " + shown, shown, shown[1:] + " ", strict=False):
        joins = letter in _JOINING and _can_be_joined(before) and _can_be_joined(after)
        if unicodedata.category(letter) in ("Cf", "Cc", "Cs", "Zl", "Zp") and not joins:
            return letter
    return ""


def _can_be_joined(letter: str) -> bool:
    return not letter.isascii() and not unicodedata.name(letter, "").startswith(_UNJOINED)


def _spoils(letter: str) -> bool:
    """Whether a line of a report would break or turn at a letter, or cannot be written with it. Wide spaces and what
    joins emoji or Persian letters spoil nothing."""
    return unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") or letter in _TURNING


def natural_order(path: Path) -> list[tuple[int, int | str]]:
    """A sort key under which `brick_2` comes before `brick_10`."""
    parts = re.split(r"(\d+)", path.as_posix().lower())
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts]
