"""What dataset and caption nodes show of the datasets they give out: in the node, and read only over the window."""

import json
from urllib.request import urlopen

import pytest
from PIL import Image
from test_caption_routes import write_images
from tilewright.common.texture_dataset import Sample, TextureDataset
from tilewright.host.edit_sets import shown_listing
from tilewright.nodes.dataset.clean import CleanDataset
from tilewright.nodes.dataset.split_join import SplitDataset
from widget_matrix import RENDERERS, Matrix, in_page, use_renderer

VIEW = "dataset_preview"
SHOWN = """(count => document.querySelectorAll('.twc-sheet figure').length === count
  && [...document.querySelectorAll('.twc-sheet')].every(one => one.querySelector('img').naturalWidth))"""
GRAPH = {
    "1": {"class_type": "TilewrightLoadDataset", "inputs": {"folder": "previewed", "map": "any"}},
    "2": {
        "class_type": "TilewrightCleanDataset",
        "inputs": {
            "dataset": ["1", 0],
            "min_side": 64,
            "reject_blank": False,
            "reject_duplicates": False,
            "seams": "off",
        },
    },
    "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 2]}},
}


@pytest.fixture
def cleaned(editor, server):
    """A folder of five images cleaned in the editor, one of them too small."""

    def run(renderer):
        place = write_images(server.base, "previewed")
        Image.new("RGB", (32, 32), (200, 90, 20)).save(place / "small.png")
        use_renderer(editor, renderer)
        in_page(
            editor,
            """await app.loadApiJson(given, "previews");
            for (const node of app.graph.nodes) node.pos = [-280 + 380 * Number(node.id), 60];
            app.canvas.ds.reset(); app.canvas.setDirty(true, true); await frame(); await app.queuePrompt(0);""",
            GRAPH,
        )
        return editor

    return run


@pytest.mark.parametrize("renderer", RENDERERS)
def test_the_view_outlives_what_a_person_does_to_its_node(editor, renderer):
    Matrix(editor, renderer, "TilewrightLoadDataset", VIEW, {"folder": "previewed"}).run()


def test_every_node_that_gives_out_a_dataset_shows_it(editor, server):
    with urlopen(f"{server.url}/object_info") as answer:
        told = json.load(answer)
    given = {name for name, node in told.items() if "TEXTURE_DATASET" in node["output"]} | {"TilewrightSaveDataset"}
    shown = in_page(
        editor,
        "return given.map(name => [name, LiteGraph.createNode(name).widgets.map(one => one.name)]);",
        sorted(given),
    )
    assert [name for name, widgets in shown if VIEW not in widgets] == ["TilewrightEditCaptions"]
    assert all(told[name].get("has_intermediate_output") or told[name]["output_node"] for name in given)


@pytest.mark.parametrize("renderer", RENDERERS)
def test_a_run_shows_images_and_captions_and_why_some_are_left_out(cleaned, renderer):
    page = cleaned(renderer)
    page.wait_for_function(f"{SHOWN}(9)", timeout=60_000)
    loaded, kept = page.locator(".tilewright-view", has=page.locator(".twc-sheet")).all()
    assert "5 images" in loaded.inner_text() and "no caption 1" in loaded.inner_text()
    assert "caption 3" in kept.inner_text()
    kept.get_by_role("button", name="rejected 1").click()
    kept.get_by_text("smaller than 64 pixels").wait_for()
    Matrix(page, renderer, "TilewrightCleanDataset", VIEW).reloads(f"{SHOWN}(6)")


def test_the_whole_dataset_is_shown_over_the_window_and_cannot_be_changed(cleaned):
    page = cleaned("classic")
    page.wait_for_function(f"{SHOWN}(9)", timeout=60_000)
    page.locator(".tilewright-view", has=page.locator(".twc-sheet")).first.focus()
    page.keyboard.press("f")
    page.locator("dialog article").nth(4).wait_for()
    for key in ("Enter", "x", "Control+r", "Alt+a"):
        page.keyboard.press(key)
    assert page.locator("dialog textarea:not([readonly]), dialog .twc-replace, dialog .twc-excluded").count() == 0
    page.keyboard.press("Alt+f")
    page.keyboard.type("unfit or empty")
    page.wait_for_function("document.querySelectorAll('dialog article').length === 1")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.wait_for_function("!document.querySelector('dialog')")


def test_a_node_tells_of_each_of_its_datasets(tmp_path):
    samples = tuple(Sample(tmp_path / f"{name}.png", "basecolor", (8, 8), material=name) for name in "abcdef")
    told = SplitDataset.execute(TextureDataset(samples), 0.5, 1).ui["tilewright_datasets"]
    assert [one["name"] for one in told] == ["train", "validation"]
    assert sum(one["images"] for one in told) == 6
    assert json.dumps(told)


def test_what_is_rejected_is_told_with_its_reason(tmp_path):
    sizes = {"good": (64, 64), "small": (8, 8)}
    for name, size in sizes.items():
        Image.new("RGB", size, (200, 90, 20)).save(tmp_path / f"{name}.png")
    samples = tuple(Sample(tmp_path / f"{name}.png", "basecolor", size) for name, size in sizes.items())
    told = CleanDataset.execute(TextureDataset(samples), 64, False, "off", reject_blank=False).ui
    listings = {one["name"]: shown_listing(one["listing"]).images for one in told["tilewright_datasets"]}
    assert [image.badges for image in listings["rejected"]] == [("smaller than 64 pixels",)]
    assert [image.badges for image in listings["kept"]] == [()]
