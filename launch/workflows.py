"""Lay out the graphs that people open: each workflows/api/<name>.json becomes workflows/<name>.json.

    python run.py workflows [NAME ...]

The API file says what runs; `_meta.group` of a node says in which box it stands. workflows/notes/<name>.md is the text
of the note beside the graph. The real frontend makes the nodes, so that widgets and slots are those of this ComfyUI.
"""

import json
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .browser import open_editor
from .hosts import PACK, HostError, find_host
from .server import running_server
from .terminal import complain, say

WORKFLOWS = PACK / "workflows"
GAP, BOX_MARGIN, TITLE = 40, 30, 90
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

_ARRANGE = """({ positions, boxes, note }) => {
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
  return app.graph.serialize();
}"""


def lay_out(prompt: dict[str, Any], sizes: dict[str, tuple[float, float]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Positions of the nodes and the boxes around them: a box for each group, left to right in order of appearance.

    Inside a box a node stands one column right of the nodes of that box that feed it.
    """
    groups: dict[str, list[str]] = {}
    for node_id, node in prompt.items():
        groups.setdefault(node["_meta"]["group"], []).append(node_id)
    positions: dict[str, Any] = {}
    boxes = []
    left = 0.0
    for (title, members), color in zip(groups.items(), COLORS * len(groups), strict=False):
        x, bottom = left + BOX_MARGIN, 0.0
        for column in _columns(prompt, members):
            y = TITLE
            for node_id in column:
                positions[node_id] = [x, y]
                y += sizes[node_id][1] + GAP + 30
            bottom = max(bottom, y)
            x += max(sizes[node_id][0] for node_id in column) + GAP
        boxes.append({"title": title, "color": color, "pos": [left, 0], "size": [x - left - GAP + BOX_MARGIN, bottom]})
        left = x + BOX_MARGIN
    return positions, boxes


def _columns(prompt: dict[str, Any], members: list[str]) -> list[list[str]]:
    depth: dict[str, int] = {}
    for node_id in members:  # API files list a node after the nodes that feed it
        feeding = [link[0] for link in prompt[node_id]["inputs"].values() if isinstance(link, list)]
        depth[node_id] = 1 + max((depth[source] for source in feeding if source in depth), default=-1)
    return [[node for node in members if depth[node] == level] for level in range(max(depth.values()) + 1)]


def build(names: Iterable[str]) -> None:
    with TemporaryDirectory() as folder, running_server(find_host(), Path(folder), Path(folder, "output")) as server:
        with open_editor(server.url, shutil.which("chromium") or shutil.which("google-chrome") or "chrome") as editor:
            for name in names:
                prompt = json.loads((WORKFLOWS / "api" / f"{name}.json").read_text(encoding="utf-8"))
                made = editor.evaluate(_LOAD, [prompt, name])
                positions, boxes = lay_out(prompt, {node["id"]: tuple(node["size"]) for node in made})
                note = (WORKFLOWS / "notes" / f"{name}.md").read_text(encoding="utf-8")
                place = {"text": note, "pos": [-460, 0], "size": [420, 520]}
                graph = editor.evaluate(_ARRANGE, {"positions": positions, "boxes": boxes, "note": place})
                text = json.dumps(graph, indent=2, ensure_ascii=False) + "\n"
                (WORKFLOWS / f"{name}.json").write_text(text, encoding="utf-8")
                say(f"workflows/{name}.json: {len(made)} nodes in {len(boxes)} groups")


def main() -> int:
    try:
        build(sys.argv[1:] or sorted(file.stem for file in (WORKFLOWS / "api").glob("*.json")))
    except HostError as error:
        complain(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
