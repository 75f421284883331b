"""Lay out the graphs that people open: each workflows/api/<name>.json becomes workflows/<name>.json.

    python run.py workflows [NAME ...]

The API file says what runs; `_meta.group` of a node says in which box it stands. workflows/notes/<name>.md is the text
of the note beside the graph. The real frontend makes the nodes, so that widgets and slots are those of this ComfyUI.
"""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Page

from .browser import open_editor
from .hosts import PACK, HostError, find_host
from .server import running_server
from .terminal import complain, end_politely, say

WORKFLOWS = PACK / "workflows"
GAP, BOX_MARGIN, BOX_TITLE, NODE_TITLE, ROW_WIDTH = 40, 30, 90, 30, 3200
COLORS = ["#3f5159", "#4a5a41", "#5b4a3c", "#43415e", "#5a3f50", "#3d5a57", "#5e5638", "#4d4d4d"]

# Makes the nodes of an API-format graph and tells their sizes and links.
_LOAD = """async ([prompt, name]) => {
  await app.loadApiJson(prompt, name);
  for (const node of app.graph.nodes) {
    const [width, height] = node.computeSize();
    node.setSize([Math.max(width, 300), height + (node.widgets?.some(w => w.options?.multiline) ? 60 : 0)]);
  }
  return app.graph.nodes.map(node => ({ id: String(node.id), size: [...node.size] }));
}"""

_ARRANGE = """async ({ positions, boxes, note }) => {
  for (const node of app.graph.nodes) node.pos = positions[String(node.id)];
  for (const box of boxes) {
    const group = new LiteGraph.LGraphGroup(box.title);
    group.color = box.color;
    group.pos = box.pos;
    group.size = box.size;
    app.graph.add(group);
  }
  if (note.text) {
    const node = LiteGraph.createNode("MarkdownNote");
    node.title = "Read me";
    app.graph.add(node);
    node.pos = note.pos;
    node.setSize(note.size);
    node.widgets[0].value = note.text;
  }
  const { output } = await app.graphToPrompt();
  return { graph: app.graph.serialize(), prompt: output };
}"""


def lay_out(
    prompt: dict[str, Any], sizes: dict[str, tuple[float, float]]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Positions of the nodes and the boxes around them: a box for each group, in rows, in order of appearance.

    Inside a box a node stands one column right of the nodes of that box that feed it.
    """
    groups: dict[str, list[str]] = {}
    for node_id, node in prompt.items():
        groups.setdefault(node["_meta"]["group"], []).append(node_id)
    positions: dict[str, Any] = {}
    boxes: list[dict[str, Any]] = []
    left = top = row_height = 0.0
    for (title, members), color in zip(groups.items(), COLORS * len(groups), strict=False):
        placed, width, height = _fill_box(_columns(prompt, members), sizes)
        if left > 0 and left + width > ROW_WIDTH:
            left, top, row_height = 0.0, top + row_height + GAP, 0.0
        positions |= {node_id: [left + x, top + y] for node_id, (x, y) in placed.items()}
        boxes.append({"title": title, "color": color, "pos": [left, top], "size": [width, height]})
        left, row_height = left + width + GAP, max(row_height, height)
    return positions, boxes


def _fill_box(columns: list[list[str]], sizes: dict[str, tuple[float, float]]) -> tuple[dict[str, Any], float, float]:
    placed = {}
    x, bottom = float(BOX_MARGIN), 0.0
    for column in columns:
        y = float(BOX_TITLE)
        for node_id in column:
            placed[node_id] = (x, y)
            y += sizes[node_id][1] + NODE_TITLE + GAP
        bottom = max(bottom, y)
        x += max(sizes[node_id][0] for node_id in column) + GAP
    return placed, x - GAP + BOX_MARGIN, bottom


def _columns(prompt: dict[str, Any], members: list[str]) -> list[list[str]]:
    depth: dict[str, int] = {}
    for node_id in members:  # API files list a node after the nodes that feed it
        feeding = [link[0] for link in prompt[node_id]["inputs"].values() if isinstance(link, list)]
        depth[node_id] = 1 + max((depth[source] for source in feeding if source in depth), default=-1)
    return [[node for node in members if depth[node] == level] for level in range(max(depth.values()) + 1)]


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
    made = editor.evaluate(_LOAD, [prompt, name])
    positions, boxes = lay_out(prompt, {node["id"]: tuple(node["size"]) for node in made})
    text = (WORKFLOWS / "notes" / f"{name}.md").read_text(encoding="utf-8")
    note = {"text": text, "pos": [-460, 0], "size": [420, 520]}
    laid_out = editor.evaluate(_ARRANGE, {"positions": positions, "boxes": boxes, "note": note})
    check_kept(prompt, laid_out["prompt"])
    complete = {node_id: {**laid_out["prompt"][node_id], "_meta": node["_meta"]} for node_id, node in prompt.items()}
    write_json(WORKFLOWS / f"{name}.json", laid_out["graph"])
    write_json(api, complete)
    say(f"workflows/{name}.json: {len(made)} nodes in {len(boxes)} groups")


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
