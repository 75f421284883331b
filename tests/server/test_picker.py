"""A list of what is there, in both renderers: what is chosen becomes the value, and typing stays possible."""

import pytest
from test_schemas import SCHEMAS, widgets
from tilewright.host.routes.choices import KINDS
from widget_matrix import RENDERERS, in_page, use_renderer

each_renderer = pytest.mark.parametrize("renderer", RENDERERS)

_PUT = """app.graph.clear(); app.canvas.ds.reset(); await frame();
const node = app.graph.add(LiteGraph.createNode(given)); node.pos = [420, 120];
const typed = { folder: "typed", regularisation_folder: "", loras: "a" };
for (const one of node.widgets) one.value = typed[one.name] ?? one.value;
app.canvas.setDirty(true, true); await frame();
"""


def test_every_kind_that_an_input_asks_for_is_known():
    asked = [
        one.extra_dict["offered"]
        for schema in SCHEMAS.values()
        for one in widgets(schema)
        if "offered" in one.extra_dict
    ]
    assert {one["kind"] for one in asked} == set(KINDS)


@pytest.fixture
def folders(server):
    for name in ("walls", "walls/old"):
        folder = server.base / "input" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "a.png").write_bytes(b"x")


@each_renderer
def test_a_folder_is_chosen_and_goes_with_the_graph(editor, folders, renderer):
    use_renderer(editor, renderer)
    in_page(editor, _PUT, "TilewrightLoadDataset")
    if renderer == "classic":
        in_page(editor, "app.graph.nodes[0].widgets.find(one => one.name === 'tilewright_choose').callback();")
    else:
        editor.get_by_text("Choose folder…").click()
    dialog = editor.get_by_role("dialog", name="Load Dataset")
    dialog.get_by_role("button", name="walls", exact=True).first.click()
    dialog.get_by_role("button", name="walls/old").nth(1).click()
    dialog.get_by_role("button", name="Done").click()
    assert dialog.count() == 0
    inputs = in_page(editor, "return Object.values((await app.graphToPrompt()).output)[0].inputs;")
    assert (inputs["folder"], inputs["regularisation_folder"]) == ("walls", "walls/old")
    assert not [name for name in inputs if name.startswith("tilewright")]


def test_several_are_put_one_beside_the_other_and_taken_out_again(editor, server):
    run = server.output / "training" / "my_run"
    run.mkdir(parents=True, exist_ok=True)
    use_renderer(editor, "classic")
    in_page(editor, _PUT, "TilewrightLoraGrid")
    in_page(editor, "app.graph.nodes[0].widgets.find(one => one.name === 'tilewright_choose').callback();")
    dialog = editor.get_by_role("dialog", name="LoRA Grid")
    entry = dialog.get_by_role("button", name="my_run", exact=True)
    value = "app.graph.nodes[0].widgets.find(one => one.name === 'loras').value"
    entry.click()
    assert editor.evaluate(value) == "a\nmy_run"
    assert entry.get_attribute("aria-pressed") == "true"
    entry.click()
    assert editor.evaluate(value) == "a"
    editor.keyboard.press("Escape")
    assert dialog.count() == 0


def test_where_there_is_nothing_it_says_what_to_do(editor):
    use_renderer(editor, "classic")

    def emptied(route):
        """The server's answer without the captioners that other tests may have put there."""
        route.fulfill(json=route.fetch().json() | {"choices": []})

    editor.route("**/tilewright/choices*", emptied)
    in_page(editor, _PUT, "TilewrightCaptionBLIP")
    in_page(editor, "app.graph.nodes[0].widgets.find(one => one.name === 'tilewright_choose').callback();")
    dialog = editor.get_by_role("dialog", name="Caption with BLIP")
    dialog.get_by_text("Put a model's files into a folder of its own in models/captioners.").wait_for()
    dialog.get_by_role("button", name="Done").click()
    editor.unroute("**/tilewright/choices*")
