"""The views of materials, tiles and live normals in the real editor, drawn both ways."""

import pytest
from widget_matrix import RENDERERS, TOAST, Matrix, in_page, use_renderer

VIEWS = {
    "TilewrightPreviewMaterial": "material_view",
    "TilewrightSaveMaterial": "material_view",
    "TilewrightTilePreview": "tile_view",
    "TilewrightHeightToNormal": "live_normal",
    "TilewrightOcclusion": "live_maps",
}
DRAWN = "[...document.querySelectorAll('.tilewright-view canvas')].filter(one => one.dataset.drawn > 0).length"
GRAPH = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0x8080FF}},
    "2": {"class_type": "TilewrightHeightToNormal", "inputs": {"height": ["1", 0], "height_cm": 2.0}},
    "3": {"class_type": "TilewrightTilePreview", "inputs": {"image": ["1", 0], "columns": 2, "rows": 2}},
    "4": {"class_type": "TilewrightPreviewMaterial", "inputs": {"basecolor": ["3", 0], "normal": ["2", 0]}},
}
PLACES = {"1": [-300, 0], "2": [20, 60], "3": [420, 60], "4": [860, 60]}


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("node", VIEWS)
def test_the_view_outlives_what_a_person_does_to_its_node(editor, renderer, node):
    Matrix(editor, renderer, node, VIEWS[node]).run()


def settled(page, count):
    """What `count` says once half a second has not changed it: maps may come in after a view's first picture."""
    before, now = None, page.evaluate(count)
    while now != before:
        page.wait_for_timeout(500)
        before, now = now, page.evaluate(count)
    return now


@pytest.fixture
def run_graph(editor):
    """The graph in the editor, run once, every view drawn."""

    def run(renderer):
        use_renderer(editor, renderer)
        in_page(
            editor,
            """await app.loadApiJson(given.graph, "views");
            for (const node of app.graph.nodes) node.pos = given.places[node.id];
            app.canvas.ds.reset(); app.canvas.setDirty(true, true); await frame();
            await app.queuePrompt(0);""",
            {"graph": GRAPH, "places": PLACES},
        )
        editor.wait_for_function(f"{DRAWN} === 3", timeout=90_000)
        return editor

    return run


@pytest.mark.parametrize("renderer", RENDERERS)
def test_what_was_shown_and_how_comes_back_after_a_reload(run_graph, renderer):
    page = run_graph(renderer)
    page.locator("[data-shape=cube]").click()
    page.wait_for_function("app.graph.getNodeById(4).properties['tilewright.material_view'].look.shape === 'cube'")
    Matrix(page, renderer, "TilewrightPreviewMaterial", "material_view").reloads(f"{DRAWN} === 3")
    assert page.locator("[data-shape=cube]").get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize("renderer", RENDERERS)
def test_a_widget_moved_shows_at_once_and_queues_nothing(run_graph, renderer):
    page = run_graph(renderer)
    pixels = """const canvas = document.querySelector(".tw-live-picture");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return [canvas.dataset.drawn, [...data].join().length, [...data.slice(0, 3)]];"""
    before = in_page(page, pixels)
    in_page(
        page,
        """const widget = app.graph.getNodeById(2).widgets.find(one => one.name === "convention");
        const other = widget.value === "DirectX" ? "OpenGL" : "DirectX"; // a graph before this one may have left either
        widget.value = other; widget.callback?.(other); await frame();""",
    )
    page.wait_for_function("before => document.querySelector('.tw-live-picture').dataset.drawn > before", arg=before[0])
    assert in_page(page, pixels)[2] == before[2] == [128, 128, 255]  # flat is flat both ways
    assert page.evaluate("fetch('/queue').then(r => r.json()).then(q => q.queue_running.length)") == 0


@pytest.mark.parametrize("renderer", RENDERERS)
def test_drag_wheel_and_keys_move_what_they_say_and_not_the_canvas(run_graph, renderer):
    page = run_graph(renderer)
    look = "return [4, 3].map(id => Object.values(app.graph.getNodeById(id).properties).find(one => one.look)?.look);"
    scale = page.evaluate("app.canvas.ds.scale")
    for place, key in ((0, "s"), (1, "h")):
        stage = page.locator(".tw-material-stage:has(canvas.tw-material-picture)").nth(1 - place)
        box = stage.bounding_box()
        page.mouse.move(box["x"] + 60, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + 90, box["y"] + 75, steps=3)
        page.mouse.up()
        page.mouse.wheel(0, 100)
        page.keyboard.press(key)
        in_page(page, "await frame();")
    material, tile = in_page(page, look)
    assert material["camera"]["azimuth"] < 0.3 and material["tiles"] == 3 and material["seams"] is True
    assert tile["tiles"] > 2 and (tile["x"], tile["y"]) != (0, 0)
    assert page.evaluate("[app.canvas.ds.scale, app.graph.nodes.length]") == [scale, 4]


def test_the_picture_is_saved_to_output(run_graph, server):
    page = run_graph("classic")
    folder = server.output / "material_views"
    before = set(folder.glob("*.png"))
    page.locator(".tw-material-corner button").last.click()
    page.locator(TOAST, has_text="material_views").wait_for(timeout=60_000)
    (saved,) = set(folder.glob("*.png")) - before
    from PIL import Image

    assert max(Image.open(saved).size) == 2048


def test_files_that_are_gone_are_told_of(run_graph, server):
    """As after ComfyUI was started anew, which empties temp; here they come back for the tests that follow."""
    page = run_graph("classic")
    folder = server.base / "temp" / "tilewright"
    folder.rename(folder.with_name("elsewhere"))
    try:
        in_page(page, "await app.loadGraphData(JSON.parse(JSON.stringify((await app.graphToPrompt()).workflow)));")
        page.locator(".tw-empty", has_text="Run the workflow again").first.wait_for(timeout=20_000)
    finally:
        folder.with_name("elsewhere").rename(folder)


@pytest.mark.parametrize("renderer", RENDERERS)
def test_nothing_is_drawn_without_a_change_nor_out_of_sight(run_graph, renderer):
    page = run_graph(renderer)
    count = "[...document.querySelectorAll('.tilewright-view canvas')].map(one => Number(one.dataset.drawn)).join()"
    before = settled(page, count)
    page.wait_for_timeout(700)
    assert page.evaluate(count) == before
    in_page(
        page,
        """app.canvas.ds.offset = [-9000, -9000]; app.canvas.setDirty(true, true); await frame(); await frame();
        const widget = app.graph.getNodeById(4).widgets.find(one => one.name === "size_cm");
        widget.value = 50; widget.callback?.(50); await frame(); await frame();""",
    )
    assert page.evaluate(count) == before
    in_page(page, "app.canvas.ds.reset(); app.canvas.setDirty(true, true); await frame();")
    page.wait_for_function(f"before => {count} !== before", arg=before)
