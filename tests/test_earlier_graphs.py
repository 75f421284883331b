"""What version 0.1.0 told the editor of its nodes stays true: graphs hold widget values by their position."""

import json
from pathlib import Path

import pytest
from test_schemas import NODES

FIXTURE = Path(__file__).resolve().parent / "fixtures" / "object_info_0.1.0.json"  # GET /object_info without words
EARLIER = json.loads(FIXTURE.read_text(encoding="utf-8"))
FRESH = {  # new defaults of required inputs, which every graph states: only a node that is dropped anew has them
    ("TilewrightTiledVAEDecode.axes", "auto"),
    ("TilewrightTiledVAEEncode.axes", "auto"),
    ("TilewrightTiledDiffusion.axes", "auto"),
}
MEANING = ("default", "min", "max", "step", "round", "multiline", "control_after_generate", "multiselect")


def inputs(given):
    """Inputs in the order of the editor: required ones before optional ones."""
    return {name: one for category in ("required", "optional") for name, one in given.get(category, {}).items()}


def assert_goes_on(earlier, today, where):
    """The earlier inputs come first, in their order, with the same types, values and choices."""
    assert list(today)[: len(earlier)] == list(earlier), where
    for name, (kind, facts) in earlier.items():
        new_kind, new_facts = today[name]
        here = f"{where}.{name}"
        assert new_kind == kind, here
        same = [key for key in MEANING if key != "default" or (here, new_facts.get(key)) not in FRESH]
        if _is_finer(facts.get("step"), new_facts.get("step")):
            same.remove("step")
        assert {key: new_facts.get(key) for key in same} == {key: facts.get(key) for key in same}, here
        assert_choices_stay(facts.get("options", []), new_facts.get("options", []), here)


def _is_finer(earlier, today):
    """Whether every value that a widget could be set to still can be."""
    return earlier and today and abs(earlier / today - round(earlier / today)) < 1e-9


def assert_choices_stay(earlier, today, where):
    if earlier and isinstance(earlier[0], dict):  # of a dynamic combo, each with inputs of its own
        assert [choice["key"] for choice in today][: len(earlier)] == [choice["key"] for choice in earlier], where
        for choice, now in zip(earlier, today, strict=False):
            assert_goes_on(inputs(choice["inputs"]), inputs(now["inputs"]), f"{where}.{choice['key']}")
    else:  # a graph holds the choice itself, not its place
        assert [choice for choice in today if choice in earlier] == earlier, where


def test_a_default_changed_only_where_every_graph_states_the_value():
    for place, default in FRESH:
        node_id, name = place.split(".")
        kind, facts = NODES[node_id].GET_NODE_INFO_V1()["input"]["required"][name]
        assert default not in EARLIER[node_id]["input"]["required"][name][1]["options"]
        assert facts["default"] == default


def test_no_node_is_gone():
    assert EARLIER.keys() <= NODES.keys()


@pytest.mark.parametrize("node_id", EARLIER)
def test_a_graph_of_version_0_1_0_means_the_same(node_id):
    earlier, today = EARLIER[node_id], NODES[node_id].GET_NODE_INFO_V1()
    assert_goes_on(inputs(earlier["input"]), inputs(today["input"]), node_id)
    for part in ("output", "output_name", "output_is_list"):
        assert list(today[part])[: len(earlier[part])] == earlier[part], part
    assert today["output_node"] or not earlier["output_node"]
