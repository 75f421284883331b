"""The words that say in a caption which map of a material an image is, and lists of maps as a person writes them."""

from collections.abc import Sequence

from .errors import InputError
from .map_kinds import MAP_KINDS

MAP_WORDS = {
    "basecolor": "basecolor texture",
    "normal": "normal map",
    "height": "height map",
    "roughness": "roughness map",
    "metallic": "metallic map",
    "ao": "ambient occlusion map",
    "opacity": "opacity map",
    "emissive": "emissive map",
}
DEFAULT_MAPS = "basecolor, normal, height, roughness"


def map_caption(kind: str, description: str) -> str:
    """The caption of the map `kind` of what `description` says: "normal map of red bricks"; of "" the word alone."""
    described = description.strip()
    return f"{MAP_WORDS[kind]} of {described}" if described else MAP_WORDS[kind]


def described(caption: str) -> str:
    """A caption without the map's word in front: "normal map of red bricks" describes red bricks."""
    fitting = (caption.removeprefix(f"{word} of ") for word in MAP_WORDS.values() if caption.startswith(f"{word} of "))
    return next(fitting, caption).strip()


def parse_maps(text: str) -> tuple[str, ...]:
    """The kinds of maps that a line names, in its order. Raises `InputError` for an unknown one, twice one, or none."""
    kinds = tuple(part.strip().lower() for part in text.replace("\n", ",").split(",") if part.strip())
    if not kinds:
        raise InputError(f"maps is empty. Name the maps of a material, such as: {DEFAULT_MAPS}.")
    if unknown := [kind for kind in kinds if kind not in MAP_WORDS]:
        raise InputError(f"maps names {', '.join(unknown)}, but there are only {', '.join(MAP_KINDS)}.")
    if len(set(kinds)) < len(kinds):
        raise InputError(f"maps names one map twice: {', '.join(kinds)}. Name each once.")
    return kinds


def listed_maps(kinds: Sequence[str]) -> str:
    """What `parse_maps` reads."""
    return ", ".join(kinds)
