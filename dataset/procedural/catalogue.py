"""Which materials there are, by the name that graphs and files know them by, and the groups a graph can ask for."""

from collections.abc import Iterator, Mapping
from importlib import import_module

from .surface import Material

_FIRST = ("bricks", "planks", "cobblestone", "weave", "hexagons", "rock", "terrazzo")
EVERYDAY = (*_FIRST, "roof", "herringbone", "concrete", "gravel", "leather", "marble", "tread")
STUDIES = ("lace", "facade", "stylised")


class Catalogue(Mapping[str, Material]):
    """Materials by name: `bricks` is `BRICKS` of bricks.py, which is imported when it is first asked for."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def __getitem__(self, name: str) -> Material:
        if name not in self.names:
            raise KeyError(name)
        found: Material = getattr(import_module(f".{name}", __package__), name.upper())
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


MATERIALS = Catalogue(EVERYDAY + STUDIES)

ALL_MATERIALS = "all"  # saved graphs mean the first seven by it
GROUPS = {ALL_MATERIALS: _FIRST, "everyday": EVERYDAY, "case studies": STUDIES}
NO_MATERIAL = "none"


def chosen_materials(choice: str, leave_out: str = NO_MATERIAL) -> list[str]:
    """The names that `choice`, a material or a group, stands for; a group goes without `leave_out`."""
    return [name for name in GROUPS[choice] if name != leave_out] if choice in GROUPS else [choice]
