"""What a Substance archive says about itself: graphs with their outputs, inputs and presets."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...common.map_kinds import maps_by_name

TYPE_NAMES = {
    0: "float",
    1: "float2",
    2: "float3",
    3: "float4",
    4: "integer",
    5: "image",
    6: "string",
    7: "font",
    8: "integer2",
    9: "integer3",
    10: "integer4",
}
COMPONENTS = {0: 1, 1: 2, 2: 3, 3: 4, 4: 1, 8: 2, 9: 3, 10: 4}
INTEGERS = {4, 8, 9, 10}

Numbers = tuple[float, ...]


@dataclass(frozen=True)
class SubstanceInput:
    """A parameter of a graph. type is a key of TYPE_NAMES.

    default, minimum, maximum and step have one number for each component and are empty where the archive states
    none. choices are (value, text) of a combo box. outputs are the identifiers of the outputs that it affects.
    """

    identifier: str
    type: int
    widget: str = ""
    label: str = ""
    group: str = ""
    description: str = ""
    default: Numbers = ()
    minimum: Numbers = ()
    maximum: Numbers = ()
    step: Numbers = ()
    choices: tuple[tuple[int, str], ...] = ()
    outputs: tuple[str, ...] = ()

    @property
    def is_boolean(self) -> bool:
        return self.widget == "togglebutton"

    @property
    def is_color(self) -> bool:
        return self.widget == "color"

    @property
    def is_system(self) -> bool:
        """$outputsize, $randomseed, $time and the like."""
        return self.identifier.startswith("$")


@dataclass(frozen=True)
class SubstanceOutput:
    """An image that a graph makes. usages are Substance's names for what it is for ("baseColor")."""

    identifier: str
    label: str = ""
    usages: tuple[str, ...] = ()
    width: int = 0
    height: int = 0

    @property
    def map(self) -> str:
        """The map kind by usage, else by identifier, else by label; "" where none is known."""
        names = (name for name in (*self.usages, self.identifier, self.label) if name)
        kinds = (maps_by_name([name])[name].kind for name in names)
        return next((kind for kind in kinds if kind), "")


@dataclass(frozen=True)
class SubstancePreset:
    """A named set of values, as text by input identifier."""

    label: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class SubstanceGraph:
    """A material in an archive; url ("pkg://Bricks") names it for sbsrender."""

    url: str
    label: str = ""
    category: str = ""
    keywords: tuple[str, ...] = ()
    description: str = ""
    author: str = ""
    user_tag: str = ""
    inputs: tuple[SubstanceInput, ...] = ()
    outputs: tuple[SubstanceOutput, ...] = ()
    presets: tuple[SubstancePreset, ...] = field(default=())

    @property
    def name(self) -> str:
        return self.url.removeprefix("pkg://").split("?")[0]
