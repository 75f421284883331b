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
    height_cm, size_cm = said.get("height_cm"), said.get("size_cm")
    if not (
        _is_number(height_cm) and _is_number(size_cm) and 0 <= height_cm <= LARGEST_CM and 0 < size_cm <= LARGEST_CM
    ):
        return None
    return SurfaceSize(float(height_cm), float(size_cm))


def _names(materials: Any, file: str) -> bool:
    files = [maps for maps in materials.values() if isinstance(maps, dict)] if isinstance(materials, dict) else []
    return any(isinstance(one, dict) and one.get("file") == file for maps in files for one in maps.values())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
