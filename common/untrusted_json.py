"""Untrusted JSON: it may be anything, and must neither crash nor exhaust memory."""

import json
import math
from pathlib import Path
from typing import Any

from .errors import InputError

MOST_BYTES = 256 * 2**20
MOST_DIGITS = 300  # of a whole number: what a double can hold


def read_untrusted_json(path: Path) -> Any:
    """The value in a JSON file. Raises `InputError` for one that is not JSON, too deep, too large or unreadable."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise InputError(f"{path} is larger than {MOST_BYTES // 2**20} MB, so it is not read.")
        content = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read: the system says {error.strerror!r}.") from error
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text. Save it as UTF-8.") from None
    try:
        return parse_untrusted_json(content)
    except InputError as error:
        raise InputError(f"{path.name} {error}") from None


def parse_untrusted_json(content: str, unique: bool = False) -> Any:
    """The value of a JSON text. Raises `InputError` for what is none, and for what JSON does not have or no program can
    hold: NaN, Infinity, numbers beyond a double, and where names must be `unique`, one that stands twice."""
    pairs = _named_once if unique else None
    try:
        return json.loads(
            content, parse_constant=_refuse, parse_float=_finite, parse_int=_whole, object_pairs_hook=pairs
        )
    except RecursionError:
        raise InputError("is nested too deeply for JSON.") from None
    except ValueError as error:
        raise InputError(f"is not JSON ({error}).") from None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits[:20]} is larger than a number can be")
    return number


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"{digits[:20]}… with its {len(digits):,} digits is larger than a number can be")
    return int(digits)


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)[:60]!r} stands twice in one object")
    return found
