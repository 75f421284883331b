"""The `maps` widget of the nodes that work on material sets, and its check."""

from comfy_api.latest import io

from ..common.map_words import DEFAULT_MAPS, parse_maps
from .validation import refusing


def maps_input(tooltip: str, default: str = DEFAULT_MAPS) -> io.String.Input:
    """Which maps a material has, as `parse_maps` reads them."""
    return io.String.Input("maps", default=default, tooltip=tooltip)


class NodeOfMaps(io.ComfyNode):
    """A node whose `maps` are checked before anything runs."""

    @classmethod
    @refusing
    def validate_inputs(cls, maps: str | None = None) -> None:
        if maps is not None:
            parse_maps(maps)
