"""Lay out the graphs that people open: each workflows/api/<name>.json becomes workflows/<title>.json.

The API file says what runs. `_meta.group` of a node says which step it belongs to: where a graph has more than ten
nodes, those of a step become one subgraph of that name, with the widgets of `_meta.widgets`; what shows pictures or
text, and what `_meta.open` names, stays in sight. `_meta.room` is the height of a text or a picture larger than most,
`_meta.width` how wide its node is; `_meta.names` renames sockets. workflows/notes/<name>.md is the text of the note
beside the graph; its heading is the title, since the editor's template browser shows the names of files.
The real frontend makes the nodes, so that widgets and slots are those of this ComfyUI.
"""

import json
import re
import uuid
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from .editor_scripts import FOLD, LOAD, MEASURE, MEASURE_VUE, PLACE, REOPEN
from .hosts import PACK, HostError
from .layered import Size, layered
from .terminal import say

WORKFLOWS = PACK / "workflows"
MANY = 10  # nodes that a newcomer takes in at a glance
PICTURE, TEXT = 250, 120  # pixels that a node's pictures and text take below its widgets
NOTE = "note"
SOCKETS = ("in", "out")  # where links enter and leave a subgraph
NOTE_COLORS = {"color": "#323232", "bgcolor": "#262626"}
SHOWS = {  # what stays in sight, and how much its pictures add to it once it ran: 0 where a view keeps the room
    "PreviewImage": PICTURE,
    "SaveImage": PICTURE,
    "MaskPreview": PICTURE,
    "PreviewAny": TEXT,
    "TilewrightCheckOverfit": PICTURE,
    "TilewrightLoraGrid": PICTURE,
    "TilewrightMeasureSeams": PICTURE,
    "TilewrightSaveMaterial": TEXT,  # what it found
    "TilewrightScoreGrid": PICTURE,
    "TilewrightScoreImages": 0,
    "TilewrightTrainLora": 0,
    "TilewrightTrainLoraKohya": 0,
    "TilewrightTrainModelKohya": 0,
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

UUID = re.compile(r"(?!0{8})[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BUTTONS = ("upload",)  # widgets that the editor sends along and no node takes


def build_workflow(editor: Page, name: str) -> None:
    """Write the graph of workflows/api/<name>.json, and complete that file with the widgets it leaves out."""
    api = WORKFLOWS / "api" / f"{name}.json"
    prompt = json.loads(api.read_text(encoding="utf-8"))
    editor.evaluate(LOAD, [prompt, name])
    editor.evaluate(FOLD, folds(prompt))
    editor.evaluate(REOPEN)
    nodes = editor.evaluate(MEASURE)
    rooms, widths = (
        {node_id: node["_meta"][key] for node_id, node in prompt.items() if key in node["_meta"]}
        for key in ("room", "width")
    )
    sizes = sizes_of(nodes, editor.evaluate(MEASURE_VUE), rooms, widths)
    text = note_text(_note(name))
    note = {"id": NOTE, "type": NOTE, "inside": "", "sources": []}
    layout = laid_out([note, *nodes], sizes | {NOTE: note_size(text)})
    at = {"pos": layout["places"].pop(NOTE), "size": layout["sizes"].pop(NOTE)}
    placed = editor.evaluate(PLACE, layout | {"note": {"text": text, "colors": NOTE_COLORS, **at}})
    made = by_inner_id(placed["prompt"])
    check_kept(prompt, made)
    complete = {node_id: {**made[node_id], "_meta": node["_meta"]} for node_id, node in prompt.items()}
    graph = graph_file(name)
    write_json(graph, with_lasting_ids(placed["graph"], name))
    write_json(api, complete)
    say(f"{graph.name}: {sum(not node['inside'] for node in nodes)} of {len(prompt)} nodes in sight")


def graph_file(name: str) -> Path:
    """The graph that people open of workflows/api/<name>.json; its picture stands beside it, as .jpg."""
    heading = _note(name).partition("\n")[0]
    return WORKFLOWS / f"{heading.removeprefix('#').strip()}.json"


def _note(name: str) -> str:
    return (WORKFLOWS / "notes" / f"{name}.md").read_text(encoding="utf-8")


def folds(prompt: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The subgraphs of an API-format graph: title, members, widgets and names (node id, name, label); few: none.

    Raises `HostError` where `_meta.names` stands at a node that comes into none of them.
    """
    steps: dict[str, list[str]] = {}
    for node_id, node in prompt.items():
        if len(prompt) > MANY and node["class_type"] not in SHOWS and not node["_meta"].get("open"):
            steps.setdefault(node["_meta"]["group"], []).append(node_id)
    steps = {step: members for step, members in steps.items() if len(members) > 1}
    check_named(prompt, {node_id for members in steps.values() for node_id in members})
    return [
        {"title": step, "members": members, "widgets": promoted(prompt, members), "names": named(prompt, members)}
        for step, members in steps.items()
    ]


def check_named(prompt: Mapping[str, Any], inside: Set[str]) -> None:
    """Raise `HostError` where `_meta.names` stands at a node that is not among those `inside` a subgraph."""
    for node_id, node in prompt.items():
        if "names" in node["_meta"] and node_id not in inside:
            raise HostError(
                f"Node {node_id} ({node['class_type']}) is in no subgraph, whose sockets alone `_meta.names` renames. "
                "Take the names away, or give it a step with other nodes in a larger graph."
            )


def named(prompt: Mapping[str, Any], members: list[str]) -> list[dict[str, str]]:
    """The sockets of a step that `_meta.names` gives other names, as their own (string_a) say nothing."""
    return [
        {"id": node_id, "name": name, "label": label}
        for node_id in members
        for name, label in prompt[node_id]["_meta"].get("names", {}).items()
    ]


def promoted(prompt: Mapping[str, Any], members: list[str]) -> list[dict[str, str]]:
    """A step's widgets: those that `_meta.widgets` lists, as name or [name, label], else the usual ones it has.

    Those of one label become one widget.
    """
    found = []
    for node_id in members:
        inputs, meta = prompt[node_id]["inputs"], prompt[node_id]["_meta"]
        for one in meta.get("widgets", [name for name in WIDGETS if name in inputs]):
            name, label = one if isinstance(one, list) else (one, None)
            if not isinstance(inputs.get(name), list):
                found.append((node_id, name, label))
    names = [name for _, name, label in found if label is None]

    def usual(node_id: str, name: str) -> str:
        title = prompt[node_id]["_meta"]["title"]
        if name == "text":
            return title
        return name if names.count(name) == 1 else f"{title}: {name}"

    return [{"id": node_id, "name": name, "label": label or usual(node_id, name)} for node_id, name, label in found]


def sizes_of(
    nodes: Sequence[Mapping[str, Any]],
    vue_heights: Mapping[str, float],
    rooms: Mapping[str, float] | None = None,
    widths: Mapping[str, float] | None = None,
) -> dict[str, Size]:
    """The size of each node in the taller renderer, with room for the pictures and texts that a run brings.

    rooms has other heights of what a run brings, by node: for a text or a picture larger than most; widths has the
    widths of such nodes.
    """
    brought = {node["id"]: SHOWS.get(node["type"], 0) for node in nodes} | dict(rooms or {})

    def height(node: Mapping[str, Any]) -> float:
        own = node["size"][1]
        if node["type"] in SOCKETS:
            return own
        return max(own, vue_heights.get(node["id"], 1.33 * own)) + brought[node["id"]]

    wider = dict(widths or {})
    return {node["id"]: (max(node["size"][0], wider.get(node["id"], 0)), height(node)) for node in nodes}


def note_text(markdown: str) -> str:
    """The note as both renderers can show it: words in backticks, blue on a dark ground there, stand in bold."""
    return re.sub(r"`([^`\n]+)`", r"**\1**", markdown)


def note_size(text: str) -> Size:
    """The size of a note that shows all of its Markdown: 66 letters a line, 14 px each, 10 px between items."""
    items = re.split(r"\n\n|\n(?=\d\. |- )", text)
    return 440, 72 + sum(10 + 14 * (1 + len(" ".join(item.split())) // 66) for item in items)


def laid_out(nodes: list[dict[str, Any]], sizes: Mapping[str, Size]) -> dict[str, Any]:
    """Where nodes stand, how large, and which links run above others: of the graph, and of each subgraph by itself."""
    made: dict[str, Any] = {"places": {}, "sizes": {}, "routes": []}
    for inside in dict.fromkeys(node["inside"] for node in nodes):
        members = [node for node in nodes if node["inside"] == inside]
        layout = layered(
            {node["id"]: [(name, slot) for name, slot in node["sources"]] for node in members},
            sizes,
            fixed=[node["id"] for node in members if node["type"] in SOCKETS],
        )
        made["places"] |= layout.places
        made["sizes"] |= {name: (width, sizes[name][1]) for name, width in layout.widths.items()}
        made["routes"] += [asdict(route) for route in layout.routes]
    return made


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


def with_lasting_ids(graph: dict[str, Any], name: str) -> dict[str, Any]:
    """The graph with ids of subgraphs and their sockets that follow from its name: the editor draws new ones each time.

    What is zero, as the id of a graph that is no one's yet, stays.
    """
    text = json.dumps(graph)
    for number, drawn in enumerate(dict.fromkeys(UUID.findall(text))):
        text = text.replace(drawn, str(uuid.uuid5(uuid.NAMESPACE_URL, f"tilewright/{name}/{number}")))
    return json.loads(text)


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
