"""Nodes made of nodes: each workflows/blueprints/<name>.json becomes subgraphs/<Title>.json, which ComfyUI offers.

The file is a graph in API format. `_meta.outside` marks what feeds the blueprint or takes its results, and names the
socket in between, where its own name does not do; all other nodes go into one subgraph, with the widgets of their
`_meta.widgets`.
"""

import json
from typing import Any

from playwright.sync_api import Page

from .editor_scripts import FOLD, LOAD, MEASURE, NAME_SOCKETS, ONLY_SUBGRAPH
from .hosts import PACK
from .terminal import say
from .workflows import laid_out, promoted, sizes_of, with_lasting_ids, write_json

SOURCES, BLUEPRINTS = PACK / "workflows" / "blueprints", PACK / "subgraphs"
ABOUT = {  # description, and what to find it by
    "image_to_material": (
        "All maps of a material from one picture: height, normal, occlusion and an estimate of roughness, saved for an "
        "engine.",
        ["pbr", "material from image", "texture to material", "basecolor to normal", "photo to material"],
    ),
    "paint_a_seamless_texture": (
        "A prompt in, a texture that tiles out, with the model, CLIP and VAE that it is given.",
        ["tileable texture", "text to texture", "generate texture", "seamless"],
    ),
    "repaint_the_seam": (
        "The seam of a picture that does not tile goes to the middle, is painted anew and goes back; the rest stays.",
        ["inpaint seam", "make tileable", "seam removal"],
    ),
    "repaint_a_spot": (
        "A masked spot of a texture is cut out, painted again and put back; a spot across the border is one spot.",
        ["inpaint spot", "remove stain", "heal", "clone stamp"],
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
    write_json(BLUEPRINTS / f"{title}.json", with_lasting_ids(_alone(editor, name), name))
    say(f"subgraphs/{title}.json: {len(members)} nodes in one")


def _alone(editor: Page, name: str) -> dict[str, Any]:
    inside = [node for node in editor.evaluate(MEASURE) if node["inside"]]
    sizes = sizes_of(inside, {})
    description, aliases = ABOUT[name]
    about = {"BlueprintDescription": description, "BlueprintSearchAliases": aliases}
    return editor.evaluate(ONLY_SUBGRAPH, laid_out(inside, sizes) | {"about": about})
