"""The editor in Chinese: every name, tooltip and help page is there, and holds nothing that the host's message compiler
reads as its own syntax."""

import json
import re

import pytest
from test_schemas import PACK, SCHEMAS, each_node
from tilewright.common.edge_bands import ANOTHER_COLOR, MORE_DETAILED, PALER, SOFTER, STARKER, EdgeBand
from tilewright.common.seams import SeamStatistics, edge_words
from tilewright.material.engine_presets import MAPS

FOLDER = PACK / "locales" / "zh"
NODES = json.loads((FOLDER / "nodeDefs.json").read_text(encoding="utf-8"))
MAIN = json.loads((FOLDER / "main.json").read_text(encoding="utf-8"))
COMPILED = re.compile(r"[@{}|%]")  # a linked message, a placeholder, a plural, a modulo
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def ids(schema):
    """Each input's id as the editor knows it: what a choice brings along is `choice_child`."""
    for given in schema.inputs:
        yield given.id
        for option in getattr(given, "options", None) or []:
            yield from (f"{given.id}_{child.id}" for child in getattr(option, "inputs", None) or [])


def compiled_texts(words):
    """What goes through the message compiler: all but tooltips."""
    sockets = [*words["inputs"].values(), *words["outputs"].values()]
    return [words["display_name"], words["description"], *(socket["name"] for socket in sockets)]


def test_there_are_words_for_these_nodes_and_no_others():
    assert set(NODES) == set(SCHEMAS), "locales/zh/nodeDefs.json: add or remove these nodes"


@each_node
def test_every_input_and_output_is_named_and_explained(schema):
    words = NODES[schema.node_id]
    assert list(words["inputs"]) == list(ids(schema)), f"locales/zh/nodeDefs.json: {schema.node_id}"
    assert list(words["outputs"]) == [str(number) for number in range(len(schema.outputs))]
    for socket in (*words["inputs"].values(), *words["outputs"].values()):
        assert socket["name"] and CHINESE.search(socket["tooltip"])


@each_node
def test_no_text_holds_what_the_message_compiler_reads_as_syntax(schema):
    words = NODES[schema.node_id]
    assert CHINESE.search(words["description"])
    assert [text for text in compiled_texts(words) if COMPILED.search(text)] == []


@each_node
def test_the_help_page_names_every_input_as_the_editor_does(schema):
    page = (PACK / "web" / "docs" / schema.node_id / "zh.md").read_text(encoding="utf-8")
    words = NODES[schema.node_id]
    assert page.startswith(f"# {words['display_name']}\n")
    for id in ids(schema):
        child = id if id in {given.id for given in schema.inputs} else id.split("_", 1)[1]
        assert f"- **{words['inputs'][id]['name']}** `{child}`：" in page
    english = (PACK / "web" / "docs" / f"{schema.node_id}.md").read_text(encoding="utf-8")
    assert page.rstrip().splitlines()[-1].endswith(english.rstrip().splitlines()[-1].removeprefix("Source: "))


@pytest.mark.parametrize("stage", sorted({schema.category.split("/")[1] for schema in SCHEMAS.values()}))
def test_every_category_is_named(stage):
    assert CHINESE.search(MAIN["nodeCategories"][stage])


def test_every_socket_of_the_packs_own_has_a_name():
    own = {socket.get_io_type() for schema in SCHEMAS.values() for socket in (*schema.inputs, *schema.outputs)}
    assert {kind for kind in own if kind.startswith(("TILEWRIGHT", "TEXTURE"))} <= set(MAIN["dataTypes"])


def test_every_template_has_a_title():
    titles = MAIN["templateWorkflows"]["template"]["tilewright"]
    assert set(titles) == {file.stem.replace(".", "_") for file in (PACK / "workflows").glob("*.json")}
    assert all(title[:3] == name[:3] for name, title in titles.items()), (
        "the number is the order in which they are read"
    )


def test_the_readme_names_every_node_and_template():
    readme = (PACK / "README.zh.md").read_text(encoding="utf-8")
    for node_id, words in NODES.items():
        assert f"[{words['display_name']}](web/docs/{node_id}/zh.md)" in readme, node_id
    for file in (PACK / "workflows" / "api").glob("*.json"):
        assert f"(workflows/api/{file.name})" in readme, file.name


def test_the_readme_shows_the_pictures_of_the_english_one():
    shown = [
        re.findall(r"!\[.+?\]\((.+?)\)", (PACK / name).read_text("utf-8")) for name in ("README.md", "README.zh.md")
    ]
    assert shown[0] == shown[1]


@pytest.mark.parametrize("band", [SOFTER, MORE_DETAILED, ANOTHER_COLOR, PALER, STARKER])
@pytest.mark.parametrize("excess", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("step", [0.0, 1.1, 2.0])
def test_every_word_on_an_edge_is_translated(band, excess, step):
    """The views translate what the server tells of edges piece by piece, see web/lib/edge_words.js."""
    pieces = set()
    for spread, moved in ((1.0, 0.0), (1.0, 2.0), (0.0, 0.0)):
        seam = SeamStatistics(step, step, 0.0, 0.0, EdgeBand(excess, 8, band), spread)
        pieces |= set(re.split("( · |: |, | and )", edge_words({"x": seam, "y": seam}, {"x": moved, "y": moved})))
    assert (pieces | set(MAPS)) - {" · "} <= set(MAIN["tilewright"])
