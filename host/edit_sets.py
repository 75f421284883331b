"""Where the editor's views find datasets: kept edits below output/captions, previews in the temporary folder."""

import logging
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import folder_paths

from ..captions.edits import JOURNAL, Journal, open_journal
from ..captions.listing import LISTING, Listing, list_dataset, listing_digest, read_listing, write_listing
from ..common.errors import InputError
from ..common.files import check_new_name
from ..common.paths import is_inside
from ..common.texture_dataset import TextureDataset
from . import folders
from .clip_tokens import count_all

DIGEST = re.compile(r"[0-9a-f]{32}")
LIMIT = 75  # tokens that SD1 and SDXL read at a time
PREVIEW = "tilewright_datasets"  # what a node that shows datasets calls them to the editor


def edits_folder(name: str) -> Path:
    """The folder of the edits of that name, which need not exist. Raises `InputError` for what cannot be one."""
    output = folders.output_folder()
    folder = output / "captions" / check_new_name(name, "The name of the edits", output / "captions")
    for one in (folder, folder / JOURNAL, folder / LISTING):
        if not is_inside(one, output):
            raise InputError(f"{one} is a link that leads out of the output folder. Remove the link.")
    return folder


def journal_of(name: str) -> Journal:
    """The journal of the edits of that name."""
    return open_journal(edits_folder(name))


def keys_of(dataset: TextureDataset) -> list[str]:
    """What names each sample in edits and requests."""
    return folders.keys_of_files([sample.file for sample in dataset.samples])


def listing_of(dataset: TextureDataset, badges: Sequence[tuple[str, ...]] = (), limit: int = LIMIT) -> Listing:
    """A dataset as the views see it; badges are of its samples in order, () for none."""
    signs = badges or [()] * len(dataset)
    return list_dataset(dataset, keys_of(dataset), count_all(dataset.captions), signs, limit)


def keep_listing(name: str, listing: Listing) -> None:
    """Beside the edits of that name, so that the editor opens it in days to come."""
    write_listing(edits_folder(name) / LISTING, listing)


def show_listing(listing: Listing) -> str:
    """For as long as ComfyUI runs; returns its id."""
    digest = listing_digest(listing)
    if not (path := _preview(digest)).is_file():
        write_listing(path, listing)
    return digest


def previewed(**listings: Listing) -> dict[str, list[dict[str, Any]]]:
    """What a node tells the editor of the datasets it gives out, each by its name, so that it shows them.

    The node's work is done: where the temporary folder cannot be written to, a dataset is not shown and a warning says
    so.
    """
    shown = []
    for name, one in listings.items():
        try:
            shown.append({"name": name, "listing": show_listing(one), "images": len(one.images)})
        except OSError as error:
            logging.warning("Tilewright: the node cannot show its images (%s): %s", name, error)
    return {PREVIEW: shown}


def kept_listing(name: str) -> Listing:
    """What `keep_listing` kept. Raises `InputError`."""
    return _read(edits_folder(name) / LISTING)


def shown_listing(digest: str) -> Listing:
    """What `show_listing` showed. Raises `InputError`."""
    if not DIGEST.fullmatch(digest):
        raise InputError("That is not the id of a dataset.")
    return _read(_preview(digest))


def _preview(digest: str) -> Path:
    return Path(folder_paths.get_temp_directory(), "tilewright", "datasets", f"{digest}.json")


def _read(path: Path) -> Listing:
    if not path.is_file():
        raise FileNotFoundError(path)
    state = path.stat()
    return _parsed(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=8)
def _parsed(path: Path, size: int, time: int) -> Listing:
    return read_listing(path)
