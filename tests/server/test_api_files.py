"""The API files by themselves: complete, and in an order that a reader can follow."""

import json
import urllib.request

import pytest
from api_workflows import NAMES, load

each_file = pytest.mark.parametrize("name", NAMES)
WIDGETS = {"STRING", "INT", "FLOAT", "BOOLEAN", "COMBO", "COLOR"}


@pytest.fixture(scope="module")
def nodes(server):
    with urllib.request.urlopen(f"{server.url}/object_info") as answer:
        return json.load(answer)


@each_file
def test_every_node_has_all_its_widgets_and_no_others(nodes, name):
    for node in load(name).values():
        inputs = nodes[node["class_type"]]["input"]
        known = inputs.get("required", {}) | inputs.get("optional", {})
        widgets = {key for key, (kind, *_) in known.items() if isinstance(kind, list) or kind in WIDGETS}
        assert widgets <= node["inputs"].keys() <= known.keys(), node["class_type"]


@each_file
def test_a_node_stands_after_the_nodes_that_feed_it(name):
    seen = set()
    for node_id, node in load(name).items():
        assert {value[0] for value in node["inputs"].values() if isinstance(value, list)} <= seen
        seen.add(node_id)
