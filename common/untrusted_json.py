"""Untrusted JSON: it may be anything, and must neither crash nor exhaust memory."""

import json
from pathlib import Path
from typing import Any

from .errors import InputError

MOST_BYTES = 256 * 2**20


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


def parse_untrusted_json(content: str) -> Any:
    """The value of a JSON text; NaN and Infinity, which JSON does not have, are refused. Raises `InputError`."""
    try:
        return json.loads(content, parse_constant=_refuse)
    except RecursionError:
        raise InputError("is nested too deeply for JSON.") from None
    except ValueError as error:
        raise InputError(f"is not JSON ({error}).") from None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
