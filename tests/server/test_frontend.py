"""The graphs people open, in the real frontend, against the API files that run headless."""

import json
from pathlib import Path

import pytest
from tilewright.launch.workflows import by_inner_id, graph_file

WORKFLOWS = Path(__file__).resolve().parents[2] / "workflows"
EARLIER = Path(__file__).resolve().parents[1] / "fixtures" / "graphs_0.1"  # as version 0.1 saved them
NAMES = sorted(file.stem for file in (WORKFLOWS / "api").glob("*.json"))
each_workflow = pytest.mark.parametrize("name", NAMES)

_TO_PROMPT = """async graph => {
  await app.loadGraphData(graph);
  const { output } = await app.graphToPrompt();
  const lost = app.graph.nodes.filter(node => !node.subgraph && !LiteGraph.registered_node_types[node.type]);
  return { output, lost: lost.map(node => node.type) };
}"""


def without_meta(prompt):
    return {node_id: {key: node[key] for key in ("class_type", "inputs")} for node_id, node in prompt.items()}


def graph_of(name):
    return json.loads(graph_file(name).read_text(encoding="utf-8"))


def test_every_api_file_has_its_graph_note_and_picture():
    titles = sorted(graph_file(name).stem for name in NAMES)
    assert {file.stem for file in WORKFLOWS.glob("*.json")} == set(titles)
    assert {file.stem for file in WORKFLOWS.glob("*.jpg")} == set(titles)


def test_titles_are_numbered_in_reading_order_and_can_be_names_of_files_anywhere():
    titles = sorted(graph_file(name).stem for name in NAMES)
    assert [title[:3] for title in titles] == [f"{number:02} " for number in range(1, len(NAMES) + 1)]
    assert not set("".join(titles)) & set('<>:"/\\|?*#%')


@each_workflow
def test_the_graph_becomes_the_api_file(editor, name):
    graph = graph_of(name)
    api = json.loads((WORKFLOWS / "api" / f"{name}.json").read_text(encoding="utf-8"))
    made = editor.evaluate(_TO_PROMPT, graph)
    assert made["lost"] == []
    assert without_meta(by_inner_id(made["output"])) == without_meta(api)


@pytest.mark.parametrize("file", sorted(EARLIER.glob("*.json")), ids=lambda file: file.stem)
def test_a_graph_saved_by_an_earlier_version_has_every_widget_in_its_place(editor, file):
    saved = json.loads(file.read_text(encoding="utf-8"))
    made = editor.evaluate(_TO_PROMPT, saved["graph"])
    assert made["lost"] == []
    for node_id, node in saved["prompt"].items():
        now = made["output"][node_id]
        assert now["class_type"] == node["class_type"]
        assert {name: now["inputs"][name] for name in node["inputs"]} == node["inputs"], node["class_type"]


@each_workflow
def test_a_newcomer_sees_about_a_dozen_nodes_whose_links_run_to_the_right(name):
    graph = graph_of(name)
    assert len(graph["nodes"]) <= 14
    ends = {node["id"]: (node["pos"][0], node["pos"][0] + node["size"][0]) for node in graph["nodes"]}
    assert [link for link in graph["links"] if ends[link[1]][1] > ends[link[3]][0]] == []


@each_workflow
def test_seeds_stay_as_they_are_from_run_to_run(name):
    text = graph_file(name).read_text(encoding="utf-8")
    assert '"randomize"' not in text


@each_workflow
def test_no_two_nodes_of_the_graph_overlap(name):
    graph = graph_of(name)
    boxes = [(node["id"], *node["pos"], *node["size"]) for node in graph["nodes"]]
    for i, (one, x, y, width, height) in enumerate(boxes):
        for other, left, top, w, h in boxes[i + 1 :]:
            apart = x + width <= left or left + w <= x or y + height <= top or top + h <= y
            assert apart, f"nodes {one} and {other} overlap"


def test_the_server_offers_the_graphs_as_templates(editor, server):
    listed = editor.evaluate("async () => (await fetch('/api/workflow_templates')).json()")
    assert sorted(listed["tilewright"]) == sorted(graph_file(name).stem for name in NAMES)


def test_every_node_has_a_help_page_the_editor_can_fetch(editor):
    missing = editor.evaluate(
        """async () => {
          const types = Object.keys(LiteGraph.registered_node_types).filter(type => type.startsWith("Tilewright"));
          const pages = await Promise.all(types.map(type => fetch(`/extensions/tilewright/docs/${type}.md`)));
          return types.filter((type, i) => !pages[i].ok);
        }"""
    )
    assert missing == []


_FRESH = """async () => {
  await app.loadGraphData();
  const types = Object.keys(LiteGraph.registered_node_types).filter(type => type.startsWith("Tilewright"));
  const nodes = types.map(type => app.graph.add(LiteGraph.createNode(type)));
  const { output } = await app.graphToPrompt();
  return nodes.map(node => {
    const { required, optional } = node.constructor.nodeData.input;
    const inputs = Object.entries({ ...required, ...optional });
    return {
      type: node.type,
      widgets: (node.widgets ?? []).map(widget => widget.name),
      inputs: output[String(node.id)]?.inputs ?? {},
      defaults: Object.fromEntries(inputs.map(([name, input]) => [name, input[1]?.default])),
    };
  });
}"""


def test_a_node_as_it_is_dropped_has_its_defaults_and_no_two_widgets_of_one_name(editor):
    made = editor.evaluate(_FRESH)
    assert len(made) > 35
    for node in made:
        assert len(set(node["widgets"])) == len(node["widgets"]), node["type"]
        told = {name: value for name, value in node["defaults"].items() if value is not None}
        assert {name: node["inputs"].get(name) for name in told} == told, node["type"]
