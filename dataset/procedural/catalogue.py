"""Which materials there are, by the name that graphs and files know them by, and the groups a graph can ask for."""

from .bricks import BRICKS
from .cobblestone import COBBLESTONE
from .concrete import CONCRETE
from .facade import FACADE
from .gravel import GRAVEL
from .herringbone import HERRINGBONE
from .hexagons import HEXAGONS
from .lace import LACE
from .leather import LEATHER
from .marble import MARBLE
from .planks import PLANKS
from .rock import ROCK
from .roof import ROOF
from .stylised import STYLISED
from .terrazzo import TERRAZZO
from .tread import TREAD
from .weave import WEAVE

_FIRST = {
    "bricks": BRICKS,
    "planks": PLANKS,
    "cobblestone": COBBLESTONE,
    "weave": WEAVE,
    "hexagons": HEXAGONS,
    "rock": ROCK,
    "terrazzo": TERRAZZO,
}
EVERYDAY = _FIRST | {
    "roof": ROOF,
    "herringbone": HERRINGBONE,
    "concrete": CONCRETE,
    "gravel": GRAVEL,
    "leather": LEATHER,
    "marble": MARBLE,
    "tread": TREAD,
}
STUDIES = {
    "lace": LACE,
    "facade": FACADE,
    "stylised": STYLISED,
}
MATERIALS = EVERYDAY | STUDIES

ALL_MATERIALS = "all"  # saved graphs mean the first seven by it
GROUPS = {ALL_MATERIALS: tuple(_FIRST), "everyday": tuple(EVERYDAY), "case studies": tuple(STUDIES)}
NO_MATERIAL = "none"


def chosen_materials(choice: str, leave_out: str = NO_MATERIAL) -> list[str]:
    """The names that `choice`, a material or a group, stands for; a group goes without `leave_out`."""
    return [name for name in GROUPS[choice] if name != leave_out] if choice in GROUPS else [choice]
