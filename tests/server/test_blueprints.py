"""The blueprints of the pack: ComfyUI offers them, and they run as one node."""

import json

import pytest
from api_workflows import NAMES
from tilewright.launch.blueprints import ABOUT, BLUEPRINTS, SOURCES
from tilewright.launch.workflows import promoted

FILES = sorted(BLUEPRINTS.glob("*.json"))

_RUN = """async ([blueprint, name]) => {
  const { api } = window.comfyAPI.api;
  await app.loadGraphData(blueprint, true, true, "blueprint");
  const node = app.graph.nodes.find(one => one.subgraph);
  const render = LiteGraph.createNode("TilewrightRenderProcedural");
  app.graph.add(render);
  const set = (where, title, value) => where.widgets.find(widget => widget.name === title).value = value;
  for (const [title, value] of Object.entries({ material: "weave", count: 1, size: 64, folder: "blueprint" }))
    set(render, title, value);
  set(node, "name", name);
  render.connect(render.outputs.findIndex(output => output.name === "images"), node, 0);
  const ended = new Promise((done, fail) => {
    api.addEventListener("execution_success", done, { once: true });
    api.addEventListener("execution_error", ({ detail }) => fail(new Error(detail.exception_message)), { once: true });
  });
  await app.queuePrompt(0);
  await ended;
}"""


def test_every_source_has_its_blueprint_and_words_to_find_it_by():
    titles = {source.stem.replace("_", " ").capitalize() for source in SOURCES.glob("*.json")}
    assert {file.stem for file in FILES} == titles
    assert set(ABOUT) == {source.stem for source in SOURCES.glob("*.json")}
    assert not set(ABOUT) & set(NAMES), "run.py workflows takes both by name"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_blueprint_has_the_widgets_of_its_source_each_once(file):
    prompt = json.loads((SOURCES / f"{file.stem.lower().replace(' ', '_')}.json").read_text(encoding="utf-8"))
    members = [node_id for node_id, node in prompt.items() if "outside" not in node["_meta"]]
    (node,) = json.loads(file.read_text(encoding="utf-8"))["nodes"]
    widgets = [one["name"] for one in node["inputs"] if "widget" in one]
    assert widgets == list(dict.fromkeys(one["label"] for one in promoted(prompt, members)))
    assert len(widgets) <= 10


def test_comfyui_offers_the_blueprints(editor):
    offered = editor.evaluate("async () => (await fetch('/api/global_subgraphs')).json()")
    ours = {entry["name"] for entry in offered.values() if entry["info"]["node_pack"].endswith("tilewright")}
    assert ours == {file.stem for file in FILES}


def test_image_to_material_exports_every_map(editor, server):
    file = next(file for file in FILES if file.stem == "Image to material")
    editor.evaluate(_RUN, [json.loads(file.read_text(encoding="utf-8")), "blueprint"])
    written = {one.name for one in (server.output / "materials" / "blueprint").iterdir()}
    kinds = ("basecolor", "height", "normal", "roughness", "occlusion")
    assert {f"blueprint_{kind}.png" for kind in kinds} <= written, written
