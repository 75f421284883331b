"""Help pages speak of an input by the name that its node shows, in both languages; its id stands in its own line."""

import json
import re

import pytest
from test_schemas import PACK, SCHEMAS

CHINESE = json.loads((PACK / "locales" / "zh" / "nodeDefs.json").read_text(encoding="utf-8"))
OWN_NAME = re.compile(r"^- \*\*[^*]+\*\*( `[^`]+`)?")  # at the head of an input's own line
QUOTED = re.compile(r"`([^`]+)`")


def shown_names(schema, language):
    """Id to name of each input whose name on the node is another; not of those called like an output or a choice."""
    words = CHINESE[schema.node_id]["inputs"]
    choices = {
        choice for one in schema.inputs for choice in getattr(one, "options", None) or [] if isinstance(choice, str)
    }
    taken = choices | {one.id for one in schema.outputs}
    names = {one.id: words[one.id]["name"] if language == "zh" else one.display_name or one.id for one in schema.inputs}
    return {id: name for id, name in names.items() if name != id and id not in taken}


def unknown_words(page, names):
    """(line, id, name) of every id in code quotes whose name is not said in its line."""
    for number, line in enumerate(page.splitlines(), 1):
        text = OWN_NAME.sub("", line)
        for id in QUOTED.findall(text):
            if id in names and names[id].lower() not in text.lower():
                yield number, id, names[id]


def test_an_id_that_the_node_does_not_show_is_found():
    names = {"min_side": "min side (px)"}
    page = "- **min side (px)** `min_side`, 0: Pixels.\n\nRaise `min_side`.\nRaise min side (px), `min_side`.\n`other`"
    assert list(unknown_words(page, names)) == [(3, "min_side", "min side (px)")]


@pytest.mark.parametrize("node_id", sorted(SCHEMAS))
@pytest.mark.parametrize(("language", "file"), [("en", "{}.md"), ("zh", "{}/zh.md")])
def test_a_help_page_names_inputs_as_the_node_shows_them(node_id, language, file):
    page = (PACK / "web" / "docs" / file.format(node_id)).read_text(encoding="utf-8")
    assert list(unknown_words(page, shown_names(SCHEMAS[node_id], language))) == []
