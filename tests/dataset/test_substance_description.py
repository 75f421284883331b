"""What an archive says of itself, what a workflow may choose of it, and the words that sbsrender gets."""

import hashlib
import sys
from xml.etree import ElementTree

import pytest
from tilewright.common.errors import InputError
from tilewright.common.files import content_digest
from tilewright.dataset.substance.description import SubstanceGraph, SubstanceInput, SubstanceOutput
from tilewright.dataset.substance.inspection import as_json, describe
from tilewright.dataset.substance.plan import Variant, choose_graph, choose_outputs, parse_fixed
from tilewright.dataset.substance.tool import tool_version, value_arguments
from tilewright.dataset.substance.xml_description import graphs_of

XML = """<sbsdescription><graphs>
<graph pkgurl="pkg://Wall" label="Wall" keywords="brick; old" category="Materials/Brick">
<outputs><output uid="1" identifier="basecolor"><outputgui label="Base">
<channels><channel names="baseColor"/></channels></outputgui></output></outputs>
<inputs><input uid="2" identifier="wear" type="0" default="0.5" alteroutputs="1"><inputgui widget="slider" label="Wear">
<guislider min="0" max="1" step="0.1"/></inputgui></input></inputs></graph></graphs></sbsdescription>"""
WEAR = SubstanceInput("wear", 0, default=(0.5,), minimum=(0.0,), maximum=(1.0,))
OUTPUTS = (SubstanceOutput("basecolor", usages=("baseColor",)), SubstanceOutput("mask1"))
WALL = SubstanceGraph("pkg://Wall", label="Old wall", inputs=(WEAR,), outputs=OUTPUTS)


def test_the_description_of_an_archive_is_read_into_graphs():
    (graph,) = graphs_of(ElementTree.fromstring(XML))
    assert (graph.url, graph.label, graph.keywords) == ("pkg://Wall", "Wall", ("brick", "old"))
    (one,) = graph.inputs
    assert (one.identifier, one.default, one.minimum, one.maximum, one.outputs) == (
        "wear",
        (0.5,),
        (0.0,),
        (1.0,),
        ("basecolor",),
    )
    with pytest.raises(ValueError, match="<html>"):
        graphs_of(ElementTree.fromstring("<html/>"))


def test_a_graph_is_told_in_words_and_in_json():
    text = describe([WALL])
    assert "Old wall (pkg://Wall)" in text and "wear: float; 0 to 1; default 0.5" in text
    (plain,) = as_json([WALL])
    assert plain["inputs"][0]["type"] == "float" and plain["outputs"][0]["map"] == "basecolor"


def test_a_graph_is_chosen_by_label_or_name_and_the_first_without():
    other = SubstanceGraph("pkg://Floor", label="Floor")
    assert choose_graph([WALL, other], "") is WALL and choose_graph([WALL, other], " floor ") is other
    with pytest.raises(InputError, match="no graph 'roof'"):
        choose_graph([WALL], "roof")


def test_outputs_are_chosen_by_map_or_identifier_and_known_ones_without():
    assert choose_outputs(WALL, []) == [OUTPUTS[0]]
    assert choose_outputs(WALL, ["mask1", "basecolor", "mask1"]) == [OUTPUTS[1], OUTPUTS[0]]
    with pytest.raises(InputError, match="no output 'height'"):
        choose_outputs(WALL, ["height"])


def test_fixed_values_are_read_a_line_each():
    assert parse_fixed("wear = 0.2\n\n tint=1, 0, 0 ") == {"wear": "0.2", "tint": "1, 0, 0"}
    with pytest.raises(InputError, match="identifier = value"):
        parse_fixed("wear 0.2")


def test_values_become_arguments_with_size_and_seed_where_the_graph_has_them():
    graph = SubstanceGraph("pkg://a", inputs=(WEAR, SubstanceInput("$randomseed", 4), SubstanceInput("$outputsize", 8)))
    arguments = value_arguments(graph, Variant({"wear": (0.25,)}, seed=7), size=9)
    assert arguments[::2] == ["--set-value"] * 3
    assert set(arguments[1::2]) == {"wear@0.25", "$outputsize@9,9", "$randomseed@7"}


def test_an_archive_is_known_by_its_bytes(tmp_path):
    (tmp_path / "a.sbsar").write_bytes(b"substance")
    assert content_digest(tmp_path / "a.sbsar") == hashlib.sha256(b"substance").hexdigest()


def test_a_tool_that_does_not_start_is_told(tmp_path):
    assert "Python" in tool_version(sys.executable)
    with pytest.raises(InputError, match="does not start"):
        tool_version(tmp_path / "sbsrender")
