"""Names for the colours of materials, as a texture artist would say them."""

from functools import cache

import torch

from ..common.oklab import oklab_from_hex

NAMED_COLORS = {
    "black": "#161616",
    "charcoal": "#36373a",
    "dark grey": "#555555",
    "grey": "#828282",
    "light grey": "#b4b4b4",
    "off-white": "#dcdad4",
    "white": "#f8f8f8",
    "warm grey": "#8f877c",
    "dark warm grey": "#5e574f",
    "light warm grey": "#b3aa9d",
    "blue-grey": "#6b7886",
    "dark blue-grey": "#414b57",
    "light blue-grey": "#a4b0bc",
    "green-grey": "#6b7a68",
    "cream": "#ece2c6",
    "beige": "#d0c0a0",
    "sand": "#c2a878",
    "tan": "#b08d62",
    "ochre": "#b8892f",
    "dark ochre": "#85621f",
    "brown": "#7a5638",
    "dark brown": "#4a3527",
    "black-brown": "#2a201a",
    "grey-brown": "#746154",
    "orange-brown": "#a5652f",
    "terracotta": "#b9694a",
    "red-brown": "#85483a",
    "dark red-brown": "#56302a",
    "brick red": "#9e4133",
    "red": "#c62f2b",
    "dark red": "#7b1e22",
    "burgundy": "#57202c",
    "pale pink": "#e3c1bb",
    "pink": "#d48a97",
    "dusty pink": "#b38580",
    "salmon": "#dd8e75",
    "orange": "#e0812d",
    "yellow": "#e6c63a",
    "pale yellow": "#ece0a0",
    "gold": "#c69a38",
    "olive": "#76743c",
    "dark olive": "#48482a",
    "moss green": "#66793f",
    "pale green": "#b4c9a6",
    "sage green": "#8f9f83",
    "green": "#3f8b45",
    "dark green": "#28492f",
    "bright green": "#62c14b",
    "teal": "#2f7c7a",
    "dark teal": "#1f494b",
    "turquoise": "#49b3ac",
    "pale blue": "#b6d0de",
    "light blue": "#7fb0d6",
    "blue": "#3468b4",
    "dark blue": "#26406f",
    "navy": "#222f50",
    "steel blue": "#56789c",
    "violet": "#6a4a9c",
    "dark violet": "#432a63",
    "lavender": "#a79ac8",
    "plum": "#6b3f53",
    "magenta": "#b83f86",
}


def color_name(color: str) -> str:
    """The name of the colour nearest to `color` ("#rrggbb") in Oklab."""
    names, table = _table()
    return names[int((table - oklab_from_hex(color)).norm(dim=1).argmin())]


@cache
def _table() -> tuple[list[str], torch.Tensor]:
    return list(NAMED_COLORS), torch.stack([oklab_from_hex(color) for color in NAMED_COLORS.values()])
