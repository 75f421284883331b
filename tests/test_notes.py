"""The notes of the templates speak of an input by the name that its node shows."""

import json
import re
from pathlib import Path

import pytest
from test_schemas import SCHEMAS, widgets
from tilewright.launch.workflows import promoted

WORKFLOWS = Path(__file__).resolve().parent.parent / "workflows"
NOTES = sorted((WORKFLOWS / "notes").glob("*.md"))
MARKED = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*")


def names_of(prompt):
    """Input ids whose nodes show another name, with that name, and all the names in sight."""
    hidden, shown = {}, set()
    for node in prompt.values():
        given = widgets(SCHEMAS[node["class_type"]]) if node["class_type"] in SCHEMAS else []
        hidden |= {one.id: one.display_name for one in given if one.display_name not in (None, one.id)}
        shown |= {one.display_name or one.id for one in given} or set(node["inputs"])
    groups = {node["_meta"].get("group") for node in prompt.values()}
    for group in groups:
        members = [number for number, node in prompt.items() if node["_meta"].get("group") == group]
        shown |= {one["label"] for one in promoted(prompt, members)}
    return hidden, shown


@pytest.mark.parametrize("note", NOTES, ids=lambda note: note.stem)
def test_a_note_names_an_input_as_its_node_shows_it(note):
    hidden, shown = names_of(json.loads((WORKFLOWS / "api" / f"{note.stem}.json").read_text(encoding="utf-8")))
    words = [code or bold for code, bold in MARKED.findall(note.read_text(encoding="utf-8"))]
    assert {word: hidden[word] for word in words if word in hidden and word not in shown} == {}
