"""What a grid holds, for the editor and for scripts: output/grids/<name>/grid.json, beside its scores.json.

grid.json has prompts, seeds and a list of cells, each with lora, step, strength, its pictures (prompts outer, seeds
inner; paths within the folder) and choice, the words that choose it in Score Grid, "" for the model without LoRA.
"""

from pathlib import Path
from typing import Any

from ..common.errors import InputError
from ..common.files import write_json
from ..common.untrusted_json import read_untrusted_json
from .cells import named
from .grid import LoraGrid

LISTING_NAME, SCORES_NAME = "grid.json", "scores.json"


def write_listing(grid: LoraGrid) -> None:
    """Write `grid.json` into the grid's folder. Scores of what it held before are taken away."""
    cells = [
        {
            "lora": cell.lora,
            "step": cell.step,
            "strength": cell.strength,
            "choice": "" if cell.is_base else named(cell, grid.cells),
            "pictures": [file.relative_to(grid.folder).as_posix() for file in grid.files[cell]],
        }
        for cell in grid.cells
    ]
    listing = {"prompts": list(grid.prompts), "seeds": list(grid.seeds), "cells": cells}
    if _read(grid.folder / LISTING_NAME) != listing:
        (grid.folder / SCORES_NAME).unlink(missing_ok=True)
        write_json(grid.folder / LISTING_NAME, listing)


def read_listing(folder: Path) -> dict[str, Any] | None:
    """What `write_listing` wrote; None where there is no grid. Where it was scored since, there are as well the
    `scores` of each cell, the one that the rule has `chosen`, the lines of the `verdict`, and `by_hand`, whether
    a person chose the cell that the verdict is about.
    """
    listing = _read(folder / LISTING_NAME)
    if not isinstance(listing, dict) or not isinstance(listing.get("cells"), list):
        return None
    scores = _read(folder / SCORES_NAME)
    scored = scores if isinstance(scores, dict) and isinstance(scores.get("cells"), list) else {"cells": []}
    known = {(one.get("lora"), one.get("strength")): one for one in scored["cells"] if isinstance(one, dict)}
    cells = [{**cell, "scores": known.get((cell.get("lora"), cell.get("strength")))} for cell in listing["cells"]]
    verdict = scored.get("verdict")
    lines = [line for line in verdict if isinstance(line, str)] if isinstance(verdict, list) else []
    choice = {"chosen": scored.get("rule", scored.get("chosen")), "by_hand": scored.get("by_hand") is True}
    return {**listing, "cells": cells, **choice, "verdict": lines}


def _read(file: Path) -> Any:
    try:
        return read_untrusted_json(file)
    except InputError:
        return None
