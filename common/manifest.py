"""`manifest.json`: what was rendered into a folder, and with which parameters.

One manifest describes the materials of one folder, whoever rendered them (the procedural generators, sbsrender).
Captions, datasets and resumed renders all read it.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .errors import InputError
from .files import told_if_unwritable, write_json
from .paths import is_plain_name
from .untrusted_json import MOST_BYTES, parse_untrusted_json, read_untrusted_json

MANIFEST_NAME = "manifest.json"
JOURNAL_NAME = ".manifest-journal.jsonl"
FORMAT = "tilewright-manifest"
VERSION = 1

ParameterValue = float | int | bool | str | tuple[float, ...]


@dataclass(frozen=True)
class Parameter:
    """One named value of a render, with what captions need to describe it.

    minimum and maximum are the range it was drawn from, None where it has none. `low_words` and `high_words`
    say what the lowest and highest third of the range look like ("narrow gaps", "wide gaps"), "" for nothing.
    """

    value: ParameterValue
    label: str
    minimum: float | None = None
    maximum: float | None = None
    low_words: str = ""
    high_words: str = ""


@dataclass(frozen=True)
class MaterialRecord:
    """One rendered material: its maps (kind -> file name in the manifest's folder) and how it came about.

    colors are what the eye sees ("brick": "#8a4b32"), as sRGB hex. height_cm is the depth that height 0..1
    spans and size_cm the side of one tile.
    """

    name: str
    category: str
    label: str
    seed: int
    tileable: bool
    maps: Mapping[str, str]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    colors: Mapping[str, str] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()
    height_cm: float | None = None
    size_cm: float | None = None


def write_manifest(folder: Path, generator: Mapping[str, ParameterValue], records: Iterable[MaterialRecord]) -> Path:
    """Write the manifest of `folder`; `generator` says who rendered (name, version, seed, ...). Returns its path."""
    path = folder / MANIFEST_NAME
    write_json(
        path,
        {
            "format": FORMAT,
            "version": VERSION,
            "generator": dict(generator),
            "materials": [asdict(record) for record in records],
        },
    )
    (folder / JOURNAL_NAME).unlink(missing_ok=True)
    return path


def append_record(folder: Path, record: MaterialRecord) -> None:
    """Note one more material of `folder`, or one anew, in a journal beside the manifest, until `write_manifest` is next
    called: a run of many renders need not write them all again after each."""
    path = folder / JOURNAL_NAME
    with told_if_unwritable(path), path.open("a", encoding="utf-8") as journal:
        journal.write(json.dumps(asdict(record), ensure_ascii=False) + "\n")


def read_manifest(folder: Path) -> list[MaterialRecord]:
    """The materials of a folder's manifest and its journal, [] where it has neither.

    Raises `InputError` for a file that is not a manifest this version can read. Map names that point outside
    the folder are refused: a manifest comes with a dataset and is as untrusted as a workflow.
    """
    noted = {record.name: record for record in _journal(folder)}
    written = (record for record in _manifest(folder) if record.name not in noted)
    return [*written, *noted.values()] if noted else list(written)


def _journal(folder: Path) -> Iterator[MaterialRecord]:
    """What the journal holds; a line that a crash cut short is passed over."""
    path = folder / JOURNAL_NAME
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        return
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            yield _record(parse_untrusted_json(line))
        except (InputError, KeyError, TypeError, AttributeError):
            continue


def _manifest(folder: Path) -> list[MaterialRecord]:
    path = folder / MANIFEST_NAME
    if not path.is_file():
        return []
    try:
        content = read_untrusted_json(path)
    except InputError as error:
        raise _no_manifest(path, error) from None
    try:
        if content["format"] != FORMAT or content["version"] > VERSION:
            raise InputError(
                f"{path} is format {content['format']!r} version {content['version']}, "
                f"this Tilewright reads {FORMAT!r} up to version {VERSION}."
            )
        return [_record(entry) for entry in content["materials"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise _no_manifest(path, error) from None


def _no_manifest(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path} is not a manifest of rendered materials ({error}). "
        "Render the folder again, or delete the file to read the folder by file names."
    )


def other_materials(names: Collection[str], most: int = 10) -> list[str]:
    """A line for reports on materials of earlier runs in the folder that was written to, [] where there are none."""
    listed = ", ".join(sorted(names)[:most]) + (", …" if len(names) > most else "")
    what = "1 material of an earlier run lies" if len(names) == 1 else f"{len(names)} materials of earlier runs lie"
    return [f"{what} in the same folder, and Load Dataset reads them as well: {listed}"] if names else []


def _record(entry: dict[str, Any]) -> MaterialRecord:
    for name in entry["maps"].values():
        if not isinstance(name, str) or not is_plain_name(name):
            raise InputError(f"The manifest names the file {name!r}; maps must lie in the manifest's own folder.")
    for key in ("name", "category", "label"):
        if not isinstance(entry[key], str):
            raise TypeError(f"{key} is {entry[key]!r} and not text")
    parameters = {name: _parameter(parameter) for name, parameter in entry["parameters"].items()}
    return MaterialRecord(**{**_tuples(entry), "parameters": parameters})


def _parameter(entry: dict[str, Any]) -> Parameter:
    parameter = Parameter(**_tuples(entry))
    texts = (parameter.label, parameter.low_words, parameter.high_words)
    numbers = (parameter.minimum, parameter.maximum)
    if not all(isinstance(text, str) for text in texts) or any(isinstance(number, str) for number in numbers):
        raise TypeError(f"a parameter is {entry!r}")
    return parameter


def _tuples(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
