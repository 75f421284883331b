import pytest
from tilewright.captions.color_names import NAMED_COLORS, color_name


@pytest.mark.parametrize(
    ("color", "name"),
    [
        ("#000000", "black"),
        ("#ffffff", "white"),
        ("#808080", "grey"),
        ("#ff0000", "red"),
        ("#0000ff", "blue"),
        ("#8a4b32", "red-brown"),
        ("#5a2d25", "dark red-brown"),
        ("#b7ab98", "light warm grey"),
        ("#a87f55", "tan"),
        ("#d9d5ca", "off-white"),
        ("#2c3450", "navy"),
        ("#6a6a43", "olive"),
    ],
)
def test_a_colour_has_the_name_an_artist_would_give_it(color, name):
    assert color_name(color) == name


def test_every_named_colour_is_nearest_to_itself():
    assert {name: color_name(color) for name, color in NAMED_COLORS.items()} == {name: name for name in NAMED_COLORS}
