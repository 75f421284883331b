"""LoRA grids in the editor: their cells with the scores, and their pictures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...common.paths import is_inside, is_plain_name
from ...evaluation.grid_listing import read_listing
from ..folders import output_folder
from .pictures import picture_reply, stamp
from .serving import NotThere, Reply, Route, text, whole

MOST = 100_000  # cells and pictures that a request may count to


def grid(asked: Mapping[str, Any]) -> Reply:
    """The cells of a grid: file, step, weight, the words that choose it, scores, and a stamp for each picture.

    None where there is none and `if_any` says that there may be none: a browser calls each 404 an error.
    """
    try:
        folder, listing = _listed(asked)
    except NotThere:
        if text(asked, "if_any"):
            return Reply(None)
        raise
    cells = [
        {**cell, "pictures": [_stamp(folder, name) for name in cell.get("pictures", [])]} for cell in listing["cells"]
    ]
    return Reply({**listing, "cells": cells})


def picture(asked: Mapping[str, Any]) -> Reply:
    """Picture `number` of `cell` of a grid, both counted from 0 in the order of the list."""
    folder, listing = _listed(asked)
    cell, number = whole(asked, "cell", 0, 0, MOST), whole(asked, "number", 0, 0, MOST)
    cells = listing["cells"]
    names = cells[cell].get("pictures", []) if cell < len(cells) else []
    file = folder / str(names[number]) if number < len(names) else None
    if file is None or not is_inside(file, folder) or file.suffix != ".png":
        raise NotThere("The grid has no such picture.")
    return picture_reply(file, asked)


def _listed(asked: Mapping[str, Any]) -> tuple[Path, dict[str, Any]]:
    name = text(asked, "grid")
    root = output_folder("grids")
    folder = root / name
    listing = None
    if is_plain_name(name) and name not in (".", "..") and is_inside(folder, root):
        listing = read_listing(folder)
    if listing is None:
        raise NotThere("There is no such grid.")
    return folder, listing


def _stamp(folder: Path, name: object) -> str:
    file = folder / str(name)
    return stamp(file) if is_inside(file, folder) and file.is_file() else ""


ROUTES = [
    Route("GET", "/tilewright/grids/grid", grid, "Reads grid.json and scores.json of a grid below output/grids."),
    Route("GET", "/tilewright/grids/picture", picture, "Reads a picture of a grid below output/grids."),
]
