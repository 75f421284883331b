"""Lists of addresses as public data sets give them: CSV, TSV, JSON, JSONL, or a text with one a line."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..common.caption_files import read_list_text
from ..common.errors import InputError

LARGEST_LIST = 256 * 2**20  # bytes
LONGEST_NOTE = 500  # letters of another column that are kept
ADDRESS_COLUMNS = ["url", "image_url", "image", "contenturl", "content_url", "link", "src", "address"]
SCHEMES = ("http://", "https://")
_LINE = "address"  # the one column of a text with an address a line


@dataclass(frozen=True)
class Wanted:
    """One image of a list: its address, a caption or "", and what else its row says (author, licence, title …)."""

    address: str
    caption: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)


def read_list(file: Path) -> list[dict[str, Any]]:
    """The rows of a list by its ending: .csv, .tsv, .json, .jsonl or .ndjson; anything else is text, an address a line.

    UTF-16 with its mark is read as well, as spreadsheets save it. Raises `InputError` for a file that is too large, no
    text, or not what its ending says.
    """
    if file.stat().st_size > LARGEST_LIST:
        raise InputError(f"The list {file} is larger than {LARGEST_LIST // 2**20} MB. Split it.")
    text = read_list_text(file, "The list")
    try:
        return _PARSERS.get(file.suffix.lower(), lines_as_rows)(text)
    except RecursionError:
        raise InputError(f"The list {file} is nested too deeply. Save it as a table.") from None
    except (ValueError, csv.Error) as error:
        raise InputError(f"The list {file} is not what its ending says: {error}.") from None


def lines_as_rows(text: str) -> list[dict[str, Any]]:
    """A text with one address a line; lines that begin with # are remarks."""
    lines = (line.strip() for line in text.splitlines())
    return [{_LINE: line} for line in lines if line and not line.startswith("#")]


def wanted_images(rows: Sequence[Mapping[str, Any]], column: str, prefix: str, caption_column: str) -> list[Wanted]:
    """What the rows of a list ask for, each address once. `column` "" finds the column that holds addresses.

    `prefix` comes before entries that are no whole address. Raises `InputError` where a column is missing or no row
    has an address.
    """
    if not rows:
        raise InputError("The list is empty. It needs one address a line or row.")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    column = _known(column, columns, "column") if column else _address_column(rows, columns, prefix)
    captions = _known(caption_column, columns, "caption_column") if caption_column else ""
    wanted: dict[str, Wanted] = {}
    for row in rows:
        address = _whole(str(row.get(column) or "").strip(), prefix)
        notes = {name: str(value)[:LONGEST_NOTE] for name, value in row.items() if name not in (column, captions)}
        notes = {name: value for name, value in notes.items() if value}
        if address:
            wanted.setdefault(address, Wanted(address, str(row.get(captions) or "").strip(), notes))
    if not wanted:
        raise InputError(f"No row of the list has anything in the column {column!r}.")
    return list(wanted.values())


def _address_column(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], prefix: str) -> str:
    """The column whose entries are whole addresses; with a prefix a column of a usual name, or the only one."""
    first = {name: next((str(row[name]) for row in rows if row.get(name)), "") for name in columns}
    usual = sorted(columns, key=lambda name: name.casefold() not in ADDRESS_COLUMNS)
    found = next((name for name in usual if first[name].startswith(SCHEMES)), None)
    if not found and prefix and (len(columns) == 1 or usual[0].casefold() in ADDRESS_COLUMNS):
        found = usual[0]
    if not found:
        raise InputError(
            f"No column of the list holds addresses that begin with http:// or https://. Its columns are: "
            f"{', '.join(columns)}. Name one as column, and set prefix if its entries are not whole addresses."
        )
    return found


def _known(name: str, columns: Sequence[str], what: str) -> str:
    if name not in columns:
        raise InputError(f"{what} is {name!r}, which the list does not have. Its columns are: {', '.join(columns)}.")
    return name


def _whole(entry: str, prefix: str) -> str:
    return entry if not entry or entry.lower().startswith(SCHEMES) or not prefix else prefix + entry


def _csv(text: str, delimiter: str = "") -> list[dict[str, Any]]:
    first = text.split("\n", 1)[0]
    delimiter = delimiter or max(",;\t|", key=first.count)
    reader = csv.DictReader(text.splitlines(keepends=True), delimiter=delimiter)
    return [{name: value for name, value in row.items() if isinstance(name, str)} for row in reader]


def _json(text: str) -> list[dict[str, Any]]:
    """A list of addresses or of objects, such a list anywhere in an object, or an object of columns."""
    found = json.loads(text)
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list)]
        if (
            len(lists) > 1
            and lists[0]
            and len({len(values) for values in lists}) == 1
            and not isinstance(lists[0][0], dict)
        ):
            columns = {name: value for name, value in found.items() if isinstance(value, list)}
            return _rows(dict(zip(columns, values, strict=True)) for values in zip(*lists, strict=True))
        found = max(lists, key=len, default=[found])
    return _rows(found if isinstance(found, list) else [found])


def _jsonl(text: str) -> list[dict[str, Any]]:
    return _rows(json.loads(line) for line in text.splitlines() if line.strip())


def _rows(entries: Iterable[Any]) -> list[dict[str, Any]]:
    """Objects as they are, with what lies in an object of theirs under both names: image.url; texts as one column."""
    return [_flat(entry) if isinstance(entry, dict) else {_LINE: str(entry)} for entry in entries]


def _flat(entry: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in entry.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": content for inner, content in _flat(value).items()}
        else:
            flat[name] = value
    return flat


_PARSERS = {
    ".csv": _csv,
    ".tsv": lambda text: _csv(text, "\t"),
    ".json": _json,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
}
