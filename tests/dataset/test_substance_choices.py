"""What is chosen of an archive, and how a variant is told to sbsrender."""

import hashlib
from xml.etree.ElementTree import fromstring

import pytest
from tilewright.common.errors import InputError
from tilewright.common.files import content_digest
from tilewright.dataset.substance.description import SubstanceGraph, SubstanceInput, SubstanceOutput, SubstancePreset
from tilewright.dataset.substance.inspection import as_json
from tilewright.dataset.substance.plan import Variant, choose_graph, choose_outputs, parse_fixed
from tilewright.dataset.substance.render import RenderResult, plan_jobs, render_report
from tilewright.dataset.substance.tool import Engine, value_arguments
from tilewright.dataset.substance.xml_description import graphs_of

WEAR = SubstanceInput("wear", 0, "slider", default=(0.5,), minimum=(0.0,), maximum=(1.0,))
SIZE = SubstanceInput("$outputsize", 8)
SEED = SubstanceInput("$randomseed", 4)
OUTPUTS = (SubstanceOutput("basecolor"), SubstanceOutput("shine", usages=("roughness",)), SubstanceOutput("mystery"))
WALL = SubstanceGraph("pkg://Wall", label="Old Wall", inputs=(SIZE, SEED, WEAR), outputs=OUTPUTS)
ROOF = SubstanceGraph("pkg://Roof", outputs=OUTPUTS)


@pytest.mark.parametrize(("name", "graph"), [("", WALL), ("old wall", WALL), ("Roof", ROOF), ("pkg://roof", ROOF)])
def test_a_graph_is_chosen_by_label_name_or_url(name, graph):
    assert choose_graph([WALL, ROOF], name) is graph
    with pytest.raises(InputError, match="has no graph 'floor'. It has: Wall, Roof"):
        choose_graph([WALL, ROOF], "floor")


def test_outputs_are_chosen_by_map_or_identifier_and_all_known_maps_by_none():
    assert [one.identifier for one in choose_outputs(WALL, [])] == ["basecolor", "shine"]
    assert [one.identifier for one in choose_outputs(WALL, ["roughness", "mystery"])] == ["shine", "mystery"]


def test_fixed_values_are_read_a_line_each():
    assert parse_fixed("wear = 0.5\n\n tint=1, 0, 0 ") == {"wear": "0.5", "tint": "1, 0, 0"}
    with pytest.raises(InputError, match="'wear 0.5' is not of the form"):
        parse_fixed("wear 0.5")


def test_values_are_told_in_sbsrenders_form():
    told = value_arguments(WALL, Variant({"wear": (0.25,)}, seed=7), size=9)
    assert told[1::2] == ["wear@0.25", "$outputsize@9,9", "$randomseed@7"]
    assert set(told[::2]) == {"--set-value"}


def test_the_same_archive_and_values_give_the_same_names_and_another_archive_others(tmp_path):
    archive = tmp_path / "wall.sbsar"
    archive.write_bytes(b"one")
    assert content_digest(archive) == hashlib.sha256(b"one").hexdigest()
    engine = Engine(tmp_path / "sbsrender", "1", 7, "png", "8")
    plan = [Variant({"wear": (0.1,)}, 1), Variant({"wear": (0.2,)}, 1), Variant({"wear": (0.1,)}, 1)]
    names = [job.name for job in plan_jobs(archive, WALL, OUTPUTS[:1], plan, engine)]
    assert len(names) == 2 and all(name.startswith("Wall_") for name in names)
    assert [job.name for job in plan_jobs(archive, WALL, OUTPUTS[:1], plan, engine)] == names
    archive.write_bytes(b"two")
    assert not set(names) & {job.name for job in plan_jobs(archive, WALL, OUTPUTS[:1], plan, engine)}


def test_a_report_counts_what_was_rendered_and_names_what_failed(tmp_path):
    told = render_report(
        RenderResult(failures={"Wall_1": "it ended with code 1: no memory"}, others=["Roof_1"]), tmp_path
    )
    assert "Wall_1" in told and "no memory" in told and "Roof_1" in told


def test_a_description_becomes_graphs_with_presets_and_json():
    (graph,) = graphs_of(
        fromstring(
            '<sbsdescription><graphs><graph pkgurl="pkg://Wall" label="Old Wall"><sbspresets><sbspreset label="Wet">'
            '<presetinput identifier="wear" type="0" value="0.9"/></sbspreset></sbspresets><outputs>'
            '<output uid="1" identifier="basecolor"/></outputs><inputs><input uid="2" identifier="wear" type="0" '
            'default="0.5" alteroutputs="1"/></inputs></graph></graphs></sbsdescription>'
        )
    )
    assert graph.presets == (SubstancePreset("Wet", {"wear": "0.9"}),)
    assert graph.inputs[0].default == (0.5,) and graph.inputs[0].outputs == ("basecolor",)
    (written,) = as_json([graph])
    assert written["label"] == "Old Wall" and written["outputs"][0]["map"] == "basecolor"
    with pytest.raises(ValueError, match="it begins with <html>"):
        graphs_of(fromstring("<html/>"))
