"""`downloads.json`: what of a folder was downloaded from where, and what failed and will be asked for again."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from ..common.errors import InputError
from ..common.files import check_name, free_name, name_key, write_json
from ..common.untrusted_json import read_untrusted_json

RECORD_NAME = "downloads.json"
FORMAT, VERSION = "tilewright-downloads", 1
LONGEST_NAME = 60  # letters, which may take four bytes each


@dataclass(frozen=True)
class Download:
    """One address: the name its file gets, without ending, then what became of it.

    file is its name once it is there, with sha256, bytes, time (UTC), and origin, the address that redirects led to.
    reason says why it is not. notes are what else its row of the list said: author, licence, title.
    """

    address: str
    stem: str
    file: str = ""
    sha256: str = ""
    bytes: int = 0
    time: str = ""
    origin: str = ""
    reason: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)


class DownloadRecord:
    """The downloads of one folder by address."""

    def __init__(self, folder: Path) -> None:
        """Read the folder's record, if it has one. Raises `InputError` for a file that is none."""
        self.folder = folder
        self.downloads = {download.address: download for download in _read(folder / RECORD_NAME)}

    def is_there(self, address: str) -> bool:
        """Whether the file of an address lies in the folder, in the size that was downloaded."""
        known = self.downloads.get(address)
        if not known or not known.file:
            return False
        path = self.folder / known.file
        return path.is_file() and path.stat().st_size == known.bytes

    def plan(self, wanted: Iterable[tuple[str, Mapping[str, str]]]) -> None:
        """Give each new address, with its notes, a name of its own in the folder, and write the record.

        So what a killed run leaves behind is known as ours by its name, and is replaced.
        """
        ours = {name_key(download.stem) for download in self.downloads.values()}
        taken = ours | {name_key(file.stem) for file in self.folder.glob("*")}
        for address, notes in wanted:
            if address not in self.downloads:
                stem = free_name(name_of(address), lambda name: name_key(name) in taken)
                taken.add(name_key(stem))
                self.downloads[address] = Download(address, stem, notes=notes)
        self.write()

    def write(self) -> None:
        """Write the record, whole or not at all."""
        entries = [asdict(download) for download in self.downloads.values()]
        write_json(self.folder / RECORD_NAME, {"format": FORMAT, "version": VERSION, "downloads": entries})


def name_of(address: str) -> str:
    """The file name that an address ends with, without ending and odd letters; "image" where there is none."""
    try:
        name = PurePosixPath(unquote(urlsplit(address).path)).stem
        return check_name(re.sub(r"[^\w()-]+", "_", name)[:LONGEST_NAME].strip("_"), "The name")
    except ValueError:  # no address, or nothing that can name a file
        return "image"


def _read(path: Path) -> list[Download]:
    if not path.is_file():
        return []
    try:
        content = read_untrusted_json(path)
    except InputError as error:
        raise _no_record(path, error) from None
    try:
        if content["format"] != FORMAT or content["version"] > VERSION:
            raise InputError(f"{path} was written by a newer Tilewright. Update it, or choose another folder.")
        downloads = [Download(**entry) for entry in content["downloads"]]
    except (KeyError, TypeError) as error:
        raise _no_record(path, error) from None
    odd = [
        download.file for download in downloads if Path(download.file).name != download.file or "\\" in download.file
    ]
    if odd:
        raise InputError(f"{path} names the file {odd[0]!r}; downloads must lie in the record's own folder.")
    return downloads


def _no_record(path: Path, why: Exception) -> InputError:
    return InputError(
        f"{path} is not a record of downloads ({why}). Delete it to download again, or choose another folder."
    )
