"""What the editor is told of inputs that act only beside certain values of others."""

import pytest
from test_schemas import SCHEMAS, each_node, widgets
from tilewright.nodes.shown_where import shown_where

MOST = 8  # widgets that are open on a node as it is dropped


def test_choices_and_switches_become_json():
    assert shown_where(loss=("huber",), ema=True) == {"shown_where": {"loss": ["huber"], "ema": True}}
    assert shown_where(surface=False) == {"shown_where": {"surface": False}}
    assert shown_where() == {}


@each_node
def test_conditions_name_inputs_of_the_node_and_choices_that_these_have(schema):
    inputs = {one.id: one for one in widgets(schema)}
    for one in inputs.values():
        for name, asked in one.extra_dict.get("shown_where", {}).items():
            other = inputs[name]
            assert asked in (True, False) or set(asked) < set(other.options), f"{one.id} where {name}"


@each_node
def test_few_settings_are_open_on_a_fresh_node(schema):
    open_ones = [one.id for one in schema.inputs if hasattr(one, "default") and not one.advanced]
    assert len(open_ones) <= MOST, open_ones


@pytest.mark.parametrize(
    ("node", "name", "condition"),
    [
        ("TilewrightLoraObjective", "huber_delta", {"loss": ["huber"]}),
        ("TilewrightLoraOptimizer", "power", {"scheduler": ["polynomial"]}),
        ("TilewrightLoraSaving", "validation_every", {"validation_share": True}),
        ("TilewrightTrainLora", "steps", {"epochs": False}),
        ("TilewrightPackChannels", "channels", {"layout": ["custom"]}),
        ("TilewrightHeightToNormal", "height_cm", {"surface": False}),
    ],
)
def test_what_is_shown_where(node, name, condition):
    assert next(one for one in widgets(SCHEMAS[node]) if one.id == name).extra_dict["shown_where"] == condition
