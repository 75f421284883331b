"""Lay out the graphs that people open: each workflows/api/<name>.json becomes workflows/<name>.json.

    python run.py workflows [NAME ...]

The API file says what runs. `_meta.group` of a node says which step it belongs to: where a graph has more than a dozen
nodes, those of a step become one subgraph of that name, with the widgets of `_meta.widgets`; what shows pictures or
text, and what `_meta.open` names, stays in sight. workflows/notes/<name>.md is the text of the note beside the graph.
The real frontend makes the nodes, so that widgets and slots are those of this ComfyUI.
"""

import json
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Page

from .browser import open_editor
from .hosts import PACK, HostError, find_host
from .layered import Places, Size, layered
from .server import running_server
from .terminal import complain, end_politely, say

WORKFLOWS = PACK / "workflows"
MANY = 12  # nodes that a newcomer takes in at a glance
PICTURE, TEXT = 250, 120  # pixels that a node's pictures and text take below its widgets
NOTE = "note"
NOTE_COLORS = {"color": "#333", "bgcolor": "#262626"}
SHOWS = {  # what a class shows once it ran
    "PreviewImage": PICTURE,
    "SaveImage": PICTURE,
    "MaskPreview": PICTURE,
    "PreviewAny": TEXT,
    "TilewrightCheckOverfit": PICTURE,
    "TilewrightLoraGrid": PICTURE,
    "TilewrightMeasureSeams": PICTURE,
    "TilewrightSaveMaterial": PICTURE + TEXT,
    "TilewrightScoreGrid": PICTURE,
    "TilewrightScoreImages": TEXT,
    "TilewrightTrainLora": PICTURE + TEXT,
    "TilewrightTrainLoraKohya": PICTURE + TEXT,
    "TilewrightTrainModelKohya": PICTURE + TEXT,
}
WIDGETS = (
    "text",
    "ckpt_name",
    "unet_name",
    "clip_name",
    "vae_name",
    "lora_name",
    "control_net_name",
    "model_name",
    "folder",
    "trigger",
    "archive",
    "image",
    "file",
    "seed",
)

BUTTONS = ("upload",)  # widgets that the editor sends along and no node takes

# Makes the nodes of an API-format graph.
_LOAD = """async ([prompt, name]) => {
  await app.loadApiJson(prompt, name);
  for (const node of app.graph.nodes)
    for (const widget of node.widgets ?? [])
      if (widget.name === "control_after_generate") widget.value = "fixed";
}"""

# Folds the nodes of each step into a subgraph, with the widgets that matter on it.
_FOLD = """async folds => {
  for (const { title, members, widgets } of folds) {
    const nodes = members.map(id => app.graph.getNodeById(Number(id)));
    const { subgraph, node } = app.graph.convertToSubgraph(new Set(nodes));
    node.title = subgraph.name = title;
    for (const { id, name, label } of widgets) {
      const inner = subgraph.getNodeById(Number(id));
      const slot = inner.inputs.find(input => input.widget?.name === name);
      if (!slot) throw new Error(`${title}: node ${id} has no widget ${name}`);
      if (slot.link != null) {
        const input = subgraph.inputs.find(one => one.linkIds.includes(slot.link));
        if (input) subgraph.renameInput(input, label);
        continue;
      }
      const input = subgraph.addInput(label, slot.type);
      input.connect(slot, inner);
    }
  }
}"""

# The sizes of all nodes in both renderers, and the nodes that feed each of them; those inside subgraphs by their path.
_MEASURE = """async () => {
  const read = (graph, prefix) => graph.nodes.flatMap(node => {
    const [width, height] = node.computeSize();
    const long = node.widgets?.some(widget => widget.options?.multiline);
    const sources = (node.inputs ?? []).map(input => graph.links.get(input.link)?.origin_id)
      .filter(id => id !== undefined && graph.getNodeById(id));
    const own = {
      id: prefix + node.id, type: node.type, inside: prefix, sources: sources.map(id => prefix + id),
      size: [Math.max(width, 300), height + (long ? 60 : 0)],
    };
    return [own, ...(node.subgraph ? read(node.subgraph, `${prefix}${node.id}:`) : [])];
  });
  return read(app.graph, "");
}"""

_MEASURE_VUE = """async () => {
  const settings = app.extensionManager.setting;
  await settings.set("Comfy.VueNodes.Enabled", true);
  const wait = ms => new Promise(resolve => setTimeout(resolve, ms));
  await wait(500);
  app.canvas.ds.fitToBounds?.([-500, -500, 6000, 4000], {});
  await wait(1500);
  const sizes = Object.fromEntries([...document.querySelectorAll("[data-node-id]")]
    .map(element => [element.dataset.nodeId, element.offsetHeight]));
  await settings.set("Comfy.VueNodes.Enabled", false);
  await wait(500);
  return sizes;
}"""

_PLACE = """async ({ places, sizes, note }) => {
  const find = path => path.split(":").reduce(
    ({ graph }, part) => { const node = graph.getNodeById(Number(part)); return { node, graph: node?.subgraph }; },
    { graph: app.graph },
  ).node;
  for (const [path, place] of Object.entries(places)) {
    const node = find(path);
    node.pos = place;
    node.setSize(sizes[path]);
  }
  if (note.text) {
    const node = LiteGraph.createNode("MarkdownNote");
    Object.assign(node, note.colors, { title: "Read me" });
    app.graph.add(node);
    node.pos = note.pos;
    node.setSize(note.size);
    node.widgets[0].value = note.text;
  }
  const { output } = await app.graphToPrompt();
  // As the editor saves it: playwright would hand over null for what is undefined.
  return { graph: JSON.parse(JSON.stringify(app.graph.serialize())), prompt: output };
}"""


def build(names: Iterable[str]) -> None:
    """Write the graph of each named API file, and complete the API file with the widgets it leaves out."""
    browser = shutil.which("chromium") or shutil.which("google-chrome") or "chrome"
    with TemporaryDirectory() as folder, running_server(find_host(), Path(folder), Path(folder, "output")) as server:
        for name in names:
            # Each in a page of its own: a widget that the API file leaves out would keep its value of the graph before.
            with open_editor(server.url, browser) as editor:
                _build_one(editor, name)


def _build_one(editor: Page, name: str) -> None:
    api = WORKFLOWS / "api" / f"{name}.json"
    prompt = json.loads(api.read_text(encoding="utf-8"))
    editor.evaluate(_LOAD, [prompt, name])
    editor.evaluate(_FOLD, folds(prompt))
    nodes = editor.evaluate(_MEASURE)
    sizes = sizes_of(nodes, editor.evaluate(_MEASURE_VUE))
    text = note_text((WORKFLOWS / "notes" / f"{name}.md").read_text(encoding="utf-8"))
    places = places_of([{"id": NOTE, "inside": "", "sources": []}, *nodes], sizes | {NOTE: note_size(text)})
    note = {"text": text, "pos": places.pop(NOTE), "size": note_size(text), "colors": NOTE_COLORS}
    laid_out = editor.evaluate(_PLACE, {"places": places, "sizes": sizes, "note": note})
    made = by_inner_id(laid_out["prompt"])
    check_kept(prompt, made)
    complete = {node_id: {**made[node_id], "_meta": node["_meta"]} for node_id, node in prompt.items()}
    write_json(WORKFLOWS / f"{name}.json", laid_out["graph"])
    write_json(api, complete)
    say(f"workflows/{name}.json: {sum(not node['inside'] for node in nodes)} of {len(prompt)} nodes in sight")


def folds(prompt: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The subgraphs of an API-format graph: title, members and widgets (node id, name, label). [] for a small graph."""
    if len(prompt) <= MANY:
        return []
    steps: dict[str, list[str]] = {}
    for node_id, node in prompt.items():
        if node["class_type"] not in SHOWS and not node["_meta"].get("open"):
            steps.setdefault(node["_meta"]["group"], []).append(node_id)
    return [
        {"title": step, "members": members, "widgets": _promoted(prompt, members)}
        for step, members in steps.items()
        if len(members) > 1
    ]


def _promoted(prompt: Mapping[str, Any], members: list[str]) -> list[dict[str, str]]:
    found = []
    for node_id in members:
        node = prompt[node_id]
        for name in node["_meta"].get("widgets", [name for name in WIDGETS if name in node["inputs"]]):
            if not isinstance(node["inputs"].get(name), list):
                found.append({"id": node_id, "name": name, "label": f"{node['_meta']['title']}: {name}"})
    return found


def sizes_of(nodes: Iterable[Mapping[str, Any]], vue_heights: Mapping[str, float]) -> dict[str, Size]:
    """The size of each node in the taller renderer, with room for the pictures and texts that a run brings."""
    return {
        node["id"]: (
            node["size"][0],
            max(node["size"][1], vue_heights.get(node["id"], 1.33 * node["size"][1])) + SHOWS.get(node["type"], 0),
        )
        for node in nodes
    }


def note_text(markdown: str) -> str:
    """The note as both renderers can show it: words in backticks, blue on a dark ground there, stand in bold."""
    return re.sub(r"`([^`\n]+)`", r"**\1**", markdown)


def note_size(text: str) -> Size:
    """The size of a note that shows all of its Markdown: about 52 letters a line, 21 px each."""
    lines = sum(1 + len(line) // 52 for line in text.splitlines() if line) + text.count("\n\n") * 0.6
    return 440, 110 + 21 * lines


def places_of(nodes: list[dict[str, Any]], sizes: Mapping[str, Size]) -> Places:
    """Where each node stands: those of the graph, and those of each subgraph by themselves."""
    places: Places = {}
    for inside in {node["inside"] for node in nodes}:
        places |= layered({node["id"]: node["sources"] for node in nodes if node["inside"] == inside}, sizes)
    return places


def by_inner_id(prompt: Mapping[str, Any]) -> dict[str, Any]:
    """A prompt made by the frontend with the ids of the API file: it calls node 3 of subgraph node 12 `12:3`."""

    def plain(value: Any) -> Any:
        return [value[0].split(":")[-1], *value[1:]] if isinstance(value, list) and len(value) == 2 else value

    return {
        node_id.split(":")[-1]: {
            **node,
            "inputs": {name: plain(value) for name, value in node["inputs"].items() if name not in BUTTONS},
        }
        for node_id, node in prompt.items()
    }


def check_kept(given: dict[str, Any], made: dict[str, Any]) -> None:
    """Raise `HostError` unless the graph that the frontend `made` says all that the `given` API file says."""
    for node_id, node in given.items():
        kept = made[node_id]["inputs"]
        lost = [f"{name} is {kept.get(name)!r}, not {value!r}" for name, value in node["inputs"].items()
                if kept.get(name) != value]  # fmt: skip
        if lost:
            raise HostError(f"The frontend changed node {node_id} ({node['class_type']}): {'; '.join(lost)}.")


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Lay out the workflows that `arguments` name, all if none is; returns the exit code."""
    end_politely()
    try:
        build(arguments or sorted(file.stem for file in (WORKFLOWS / "api").glob("*.json")))
    except HostError as error:
        complain(str(error))
        return 1
    return 0
