"""How deep and how wide the surface is that a height map shows, as a node says it or the file beside a saved map."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.errors import InputError
from ..common.untrusted_json import read_untrusted_json
from .material_files import DESCRIPTION, FORMAT

LARGEST_CM = 1e6


@dataclass(frozen=True)
class SurfaceSize:
    """height_cm is what a height rises from 0 to 1, size_cm the width of the image, both in cm."""

    height_cm: float
    size_cm: float

    def __str__(self) -> str:
        return (
            f"The height spans {self.height_cm:.4g} cm and the image {self.size_cm:.4g} cm, as the surface input says."
        )


def written_size(file: Path) -> SurfaceSize | None:
    """The cm that the `material.json` beside a map gives its material; None where there is none that names the map."""
    try:
        said = read_untrusted_json(file.parent / DESCRIPTION)
    except InputError:
        return None
    if not isinstance(said, dict) or said.get("format") != FORMAT or not _names(said.get("materials"), file.name):
        return None
    height_cm, size_cm = _cm(said.get("height_cm")), _cm(said.get("size_cm"))
    return SurfaceSize(height_cm, size_cm) if height_cm is not None and size_cm else None


def _names(materials: Any, file: str) -> bool:
    files = [maps for maps in materials.values() if isinstance(maps, dict)] if isinstance(materials, dict) else []
    return any(isinstance(one, dict) and one.get("file") == file for maps in files for one in maps.values())


def _cm(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= LARGEST_CM else None
