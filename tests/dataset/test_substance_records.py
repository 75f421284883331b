import pytest
from tilewright.captions.from_parameters import caption_record
from tilewright.dataset.substance.description import SubstanceGraph, SubstanceInput, SubstanceOutput
from tilewright.dataset.substance.plan import Variant
from tilewright.dataset.substance.records import record_of


def caption(one, value):
    graph = SubstanceGraph("pkg://a", "Wall Panels", inputs=(one,), outputs=(SubstanceOutput("basecolor"),))
    return caption_record(record_of("a_1", graph, Variant({"x": value}, 1), {}, True), "basecolor")


def color(label, group=""):
    return SubstanceInput("x", 3, "color", label, group, outputs=("basecolor",))


def number(label, group=""):
    return SubstanceInput("x", 0, "slider", label, group, minimum=(0.0,), maximum=(1.0,), outputs=("basecolor",))


RED = (0.62, 0.25, 0.2, 1.0)


@pytest.mark.parametrize(
    ("one", "value", "words"),
    [
        (color("Tiles", "Wall"), RED, "brick red tiles"),
        (color("Color", "Dirt"), RED, "brick red dirt"),
        (color("Tint"), RED, "brick red tint"),
        (color("Dirt"), (*RED[:3], 0.0), ""),  # transparent: not to be seen
        (number("Opacity", "Dirt"), (0.9,), "high opacity dirt"),
        (number("Dirt Opacity", "Dirt"), (0.9,), "high dirt opacity"),
        (number("Base Hue", "Color"), (0.1,), "low base hue"),
        (number("Wear", "General"), (0.5,), ""),
    ],
)
def test_an_input_is_called_by_what_says_most(one, value, words):
    assert caption(one, value) == ", ".join(filter(None, ["wall panels", words]))
