"""What every node promises: a permanent id, words for every socket and widget, a help page that names them."""

import asyncio
import importlib
import importlib.util
import inspect
import re
import sys
from pathlib import Path

import pytest

PACK = Path(__file__).resolve().parent.parent
STAGES = ["dataset", "captions", "training", "evaluation", "seamless", "upscale", "material"]


def entrypoint():
    """The pack loaded the way the host loads it: its __init__ as a package of its own name."""
    spec = importlib.util.spec_from_file_location("pack", PACK / "__init__.py", submodule_search_locations=[str(PACK)])
    module = importlib.util.module_from_spec(spec)
    sys.modules["pack"] = module
    spec.loader.exec_module(module)
    return module


def all_nodes():
    return asyncio.run(asyncio.run(entrypoint().comfy_entrypoint()).get_node_list())


NODES = {node.define_schema().node_id: node for node in all_nodes()}
SCHEMAS = {node_id: node.define_schema() for node_id, node in NODES.items()}
HELP = importlib.import_module("pack.nodes.help_lines")
each_node = pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS.keys())


def widgets(schema):
    return [one for given in schema.inputs for one in given.get_all()]


def test_every_id_is_given_once():
    assert len(all_nodes()) == len(NODES)


def test_the_host_finds_only_the_v3_entrypoint():
    module = entrypoint()
    assert not hasattr(module, "NODE_CLASS_MAPPINGS")
    assert (PACK / module.WEB_DIRECTORY).is_dir()


@each_node
def test_the_node_says_what_it_is(schema):
    assert schema.node_id.startswith("Tilewright")
    assert schema.category in {f"Tilewright/{stage}" for stage in STAGES}
    assert schema.description.strip().endswith(".")
    assert schema.search_aliases
    assert schema.display_name and not schema.display_name.startswith("Tilewright")


@each_node
def test_every_input_and_output_has_a_tooltip(schema):
    assert [one.id for one in widgets(schema) if not one.tooltip] == []
    assert [one.id for one in schema.outputs if not one.tooltip] == []


@each_node
def test_defaults_lie_in_their_range(schema):
    for one in widgets(schema):
        default = getattr(one, "default", None)
        if getattr(one, "min", None) is not None and default is not None:
            assert one.min <= default <= one.max, one.id
        if getattr(one, "options", None) and isinstance(default, str):
            assert default in one.options, one.id


@each_node
def test_no_control_of_a_seed_is_called_like_an_input(schema):
    # The frontend names the control by its first value, and widgets of one name share their value.
    controls = [getattr(one, "control_after_generate", None) for one in widgets(schema)]
    assert not {str(control.value) for control in controls if hasattr(control, "value")} & {
        one.id for one in widgets(schema)
    }


@each_node
def test_execute_takes_every_input_and_defaults_the_optional_ones(schema):
    """Inputs that a configuration declares go to it whole, as `**settings`."""
    taken = inspect.signature(NODES[schema.node_id].execute.__func__).parameters.values()
    named = {one.name: one for one in taken if one.kind is one.POSITIONAL_OR_KEYWORD and one.name != "cls"}
    top = {one.id: one for one in schema.inputs}
    passed_on = any(one.kind is one.VAR_KEYWORD for one in taken)
    assert named.keys() <= top.keys() if passed_on else named.keys() == top.keys()
    assert [name for name, one in named.items() if top[name].optional and one.default is one.empty] == []


@each_node
def test_the_help_page_names_every_input_and_output(schema):
    page = (PACK / "web" / "docs" / f"{schema.node_id}.md").read_text(encoding="utf-8")
    assert [one.id for one in widgets(schema) if f"`{one.id.split('.')[-1]}`" not in page] == []
    assert [one.display_name or one.id for one in schema.outputs if f"`{one.id}`" not in page] == []


@each_node
def test_the_help_page_has_a_line_for_each_input_that_says_what_the_editor_shows(schema):
    page = (PACK / "web" / "docs" / f"{schema.node_id}.md").read_text(encoding="utf-8").splitlines()
    lines = zip(map(HELP.help_head, widgets(schema)), HELP.help_lines(schema).splitlines(), strict=True)
    missing = [line for head, line in lines if not any(there.startswith(head + " ") for there in page)]
    assert missing == [], f"web/docs/{schema.node_id}.md: paste these lines"


@each_node
def test_the_help_page_fits_the_editors_panel(schema):
    page = (PACK / "web" / "docs" / f"{schema.node_id}.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in page if line.startswith("|")] == [], "a table is wider than the panel: write lines"


def test_no_help_page_without_a_node():
    assert {page.stem for page in (PACK / "web" / "docs").glob("*.md")} == set(SCHEMAS)


@each_node
def test_the_help_page_ends_with_its_source_file(schema):
    source = NODES[schema.node_id].__module__.removeprefix("pack.").replace(".", "/")
    page = (PACK / "web" / "docs" / f"{schema.node_id}.md").read_text(encoding="utf-8")
    assert page.endswith(f"\nSource: `{source}.py`\n")


def test_the_readme_lists_every_node_by_stage_with_its_description():
    rows = {}
    stage = ""
    for line in (PACK / "README.md").read_text(encoding="utf-8").splitlines():
        if row := re.fullmatch(r"\| (\w*) *\| \[(.+)\]\(web/docs/(\w+)\.md\) \| (.+) \|", line):
            stage = row[1] or stage
            rows[row[3]] = (stage, row[2], row[4])
    for schema in SCHEMAS.values():
        category, name, description = rows.pop(schema.node_id)
        assert schema.category == f"Tilewright/{category}"
        assert name == schema.display_name
        assert schema.description.startswith(description), schema.node_id
    assert rows == {}
