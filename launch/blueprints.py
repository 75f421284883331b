"""Nodes made of nodes: each workflows/blueprints/<name>.json becomes subgraphs/<Title>.json, which ComfyUI offers.

The file is a graph in API format. `_meta.outside` marks what feeds the blueprint or takes its results, and names the
socket in between; all other nodes go into one subgraph, with the widgets of their `_meta.widgets`.
"""

import json
from typing import Any

from playwright.sync_api import Page

from .editor_scripts import FOLD, LOAD, MEASURE, NAME_SOCKETS, ONLY_SUBGRAPH
from .hosts import PACK
from .terminal import say
from .workflows import places_of, promoted, sizes_of, write_json

SOURCES, BLUEPRINTS = PACK / "workflows" / "blueprints", PACK / "subgraphs"
ABOUT = {  # description, and what to find it by
    "image_to_material": (
        "All maps of a material from one picture: height, normal, occlusion and an estimate of roughness, saved for an "
        "engine.",
        ["pbr", "material from image", "texture to material", "basecolor to normal", "photo to material"],
    ),
}


def build_blueprint(editor: Page, name: str) -> None:
    """Write the blueprint of workflows/blueprints/<name>.json, made by the `editor`'s own nodes."""
    prompt = json.loads((SOURCES / f"{name}.json").read_text(encoding="utf-8"))
    title = name.replace("_", " ").capitalize()
    outside = {node_id: node["_meta"]["outside"] for node_id, node in prompt.items() if "outside" in node["_meta"]}
    members = [node_id for node_id in prompt if node_id not in outside]
    editor.evaluate(LOAD, [prompt, name])
    editor.evaluate(FOLD, [{"title": title, "members": members, "widgets": promoted(prompt, members)}])
    editor.evaluate(NAME_SOCKETS, outside)
    write_json(BLUEPRINTS / f"{title}.json", _alone(editor, name))
    say(f"subgraphs/{title}.json: {len(members)} nodes in one")


def _alone(editor: Page, name: str) -> dict[str, Any]:
    inside = [node for node in editor.evaluate(MEASURE) if node["inside"]]
    sizes = sizes_of(inside, {})
    description, aliases = ABOUT[name]
    about = {"BlueprintDescription": description, "BlueprintSearchAliases": aliases}
    return editor.evaluate(ONLY_SUBGRAPH, {"places": places_of(inside, sizes), "sizes": sizes, "about": about})
