"""Every view of the pack in one graph: loaded anew while something runs, in Chinese, below a base path, deleted.

What a person does to a single node (collapse, copy, subgraph, tabs, ...) is each view's own test. `run.py test
--newest-frontend` runs these and those with the newest editor.
"""

import json
from urllib.request import Request, urlopen

import pytest
from base_path import below
from test_caption_routes import write_images
from test_grid_picker import write_grid
from test_training_panel import write_run
from tilewright.training.run_status import Heartbeat
from widget_matrix import LOADED, RENDERERS, in_page, speak, use_renderer

RUN = "panel_of_every_view"
GRAPH = {
    "1": {"class_type": "TilewrightLoadDataset", "inputs": {"folder": "every_view", "map": "any"}},
    "2": {"class_type": "TilewrightEditCaptions", "inputs": {"dataset": ["1", 0], "edits": "every view"}},
    "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 2]}},
    "4": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0x8080FF}},
    "5": {"class_type": "TilewrightHeightToNormal", "inputs": {"height": ["4", 0], "height_cm": 2.0}},
    "6": {"class_type": "TilewrightTilePreview", "inputs": {"image": ["4", 0], "columns": 2, "rows": 2}},
    "7": {
        "class_type": "TilewrightPreviewMaterial",
        "inputs": {"basecolor": ["6", 0], "normal": ["5", 0], "occlusion": ["10", 0]},
    },
    "8": {"class_type": "TilewrightTrainLora", "inputs": {"name": RUN}},
    "9": {"class_type": "TilewrightScoreGrid", "inputs": {}},
    "10": {"class_type": "TilewrightOcclusion", "inputs": {"height": ["4", 0], "radius_cm": 2.0, "slices": 2}},
}
NOT_RUN = ["8", "9"]  # they show what stands in files
SHOWN = {  # by the names of the views: JavaScript that is true of `root` once it shows what there is
    "dataset_preview": "root.querySelectorAll('figure').length === 4 && root.querySelector('img').naturalWidth > 0",
    "captions": "root.querySelectorAll('img').length === 4 && root.querySelector('img').naturalWidth > 0",
    "live_maps": "root.querySelector('canvas')?.dataset.drawn > 0",
    "live_normal": "root.querySelector('canvas')?.dataset.drawn > 0",
    "tile_view": "root.querySelector('canvas')?.dataset.drawn > 0",
    "material_view": "root.querySelector('canvas')?.dataset.drawn > 0",
    "badges": "root.querySelector('.tw-badges > :not(.tw-quiet)')",
    "training_panel": "root.querySelectorAll('.tw-film button[data-step]').length === 3",
    "grid_picker": "root.querySelectorAll('.tw-pick').length === 5",
}
MISSING = f"""async () => {{
  const lib = await import(new URL('extensions/tilewright/lib/comfy.js', location.href).href);
  const views = Object.fromEntries(lib.liveViews().map(view => [view.kind.name, view.root]));
  const test = {{ {", ".join(f"{name}: root => {condition}" for name, condition in SHOWN.items())} }};
  return Object.keys(test).filter(name => !views[name] || !test[name](views[name]));
}}"""
SCENE = """await app.loadApiJson(given.graph, "every view");
app.graph.id = crypto.randomUUID();  // as any workflow of a person has, by which its last run is found
for (const node of app.graph.nodes) {
  node.pos = [-380 + 420 * ((node.id - 1) % 5), node.id > 5 ? 620 : 40];
  if (given.notRun.includes(String(node.id))) node.mode = 2;
}
Object.assign(app.canvas.ds, { scale: 0.62, offset: [480, 90] }); app.canvas.setDirty(true, true); await frame();"""


def all_show(page, patience=120):
    """Wait until every view shows what there is; those that do not are told."""
    for _ in range(4 * patience):
        if not (missing := page.evaluate(MISSING)):
            return
        page.wait_for_timeout(250)
    raise AssertionError(f"nothing is seen in {missing}")


@pytest.fixture(scope="module")
def training(server):
    """A run that trains as long as these tests last."""
    log = write_run(server.output / "training" / RUN)
    with Heartbeat(server.output / "training" / RUN):
        yield log


@pytest.fixture(scope="module")
def scene(editor, server, training):
    """All views on what was run once, as a workflow that knows it."""
    write_images(server.base, "every_view")
    editor.set_default_timeout(120_000)  # shaders are made by the processor here, and the machine may have other work
    use_renderer(editor, "classic")
    editor.set_viewport_size({"width": 1700, "height": 1050})
    in_page(editor, SCENE, {"graph": GRAPH, "notRun": NOT_RUN})
    in_page(
        editor,
        """lib.liveViews().find(view => view.kind.name === "grid_picker").mounted.output({ tilewright_grid: [given] });
        await app.queuePrompt(0);""",
        write_grid(server.output),
    )
    all_show(editor)
    return in_page(editor, "return (await app.graphToPrompt()).workflow;")


def opened(page, workflow):
    """The workflow as a file that a person opens, with everything in sight."""
    in_page(
        page,
        """await app.loadGraphData(given); Object.assign(app.canvas.ds, { scale: 0.62, offset: [480, 90] });
        app.canvas.setDirty(true, true); await frame();""",
        workflow,
    )


@pytest.mark.parametrize("renderer", RENDERERS)
def test_in_mid_run_a_page_loaded_anew_shows_every_view_again(editor, scene, training, renderer, server):
    use_renderer(editor, renderer)
    editor.set_viewport_size({"width": 1700, "height": 1050})
    opened(editor, scene)
    all_show(editor)
    values = "return app.graph.nodes.map(node => node.serialize().widgets_values);"
    before = in_page(editor, values)
    in_page(editor, "app.extensionManager.workflow.activeWorkflow.changeTracker.checkState();")
    editor.wait_for_timeout(1500)  # the frontend keeps drafts a moment after a change
    busy(server)
    try:
        editor.reload(timeout=120_000)
        editor.wait_for_function(LOADED, timeout=60_000)
        editor.wait_for_function("app.graph.nodes.length === 10")
        in_page(
            editor, "Object.assign(app.canvas.ds, { scale: 0.62, offset: [480, 90] }); app.canvas.setDirty(true, true);"
        )
        all_show(editor)
        assert running(server), "the run ended before the page was there"
    finally:
        post(server, "interrupt", {})
    assert in_page(editor, values) == before
    editor.locator("[data-view=training_panel] [role=status]").get_by_text("step 200 of 400").wait_for()


@pytest.mark.parametrize("renderer", RENDERERS)
def test_every_view_speaks_chinese(editor, scene, renderer):
    speak(editor, "zh")
    try:
        use_renderer(editor, renderer)
        editor.set_viewport_size({"width": 1700, "height": 1050})
        opened(editor, scene)
        all_show(editor)
        english = in_page(
            editor,
            """const words = Object.entries((await (await fetch("/i18n")).json()).zh.tilewright);
            const known = new Set(words.filter(([own, zh]) => own !== zh && !own.includes("{")).map(([own]) => own));
            const found = [];
            for (const view of lib.liveViews()) {
              const texts = document.createTreeWalker(view.root, NodeFilter.SHOW_TEXT);
              while (texts.nextNode()) if (known.has(texts.currentNode.data.trim())) found.push(texts.currentNode.data);
              for (const one of view.root.querySelectorAll("[title], [aria-label]"))
                found.push(...[one.title, one.ariaLabel, ...(one.ariaLabel ?? "").split(/[:,.] */)].filter(
                  text => known.has(text)));
            }
            return found;""",
        )
        assert english == []
        assert "4 张图像" in editor.locator("[data-view=dataset_preview]").inner_text()
    finally:
        speak(editor, "en")


@pytest.mark.parametrize("renderer", RENDERERS)
def test_every_view_works_below_a_base_path(editor, scene, server, renderer):
    with below("/studio", server.url) as (address, refused):
        page = editor.context.browser.new_page(viewport={"width": 1700, "height": 1050})
        try:
            page.set_default_timeout(120_000)
            page.goto(address)
            page.wait_for_function(LOADED, timeout=60_000)
            use_renderer(page, renderer)
            opened(page, scene)
            all_show(page)
        finally:
            page.close()
    assert [path for path in refused if "tilewright" in path or "view" in path] == []


COUNTING = """() => {
  const caller = () => /tilewright/.test(new Error().stack.split("\\n")[3]);  // of what calls this function's caller
  const contexts = new Set(), observers = new Set(), timers = new Set();
  for (const kind of ["ResizeObserver", "IntersectionObserver", "MutationObserver"]) {
    window[kind] = class extends window[kind] {
      observe(...given) { if (caller()) observers.add(this); super.observe(...given); }
      disconnect() { observers.delete(this); super.disconnect(); }
    };
  }
  for (const canvas of [HTMLCanvasElement, OffscreenCanvas]) {
    const { getContext } = canvas.prototype;
    canvas.prototype.getContext = function (kind, ...given) {
      if (/webgl/.test(kind)) contexts.add(this);
      return getContext.call(this, kind, ...given);
    };
  }
  const { setInterval, setTimeout } = window;
  window.setInterval = (...given) => {
    const id = setInterval(...given);
    if (caller()) timers.add(id);
    return id;
  };
  window.setTimeout = (act, ...given) => {
    const id = setTimeout((...told) => { timers.delete(id); return act(...told); }, ...given);
    if (caller()) timers.add(id);
    return id;
  };
  for (const kind of ["clearInterval", "clearTimeout"]) {
    const clear = window[kind];
    window[kind] = id => { timers.delete(id); clear(id); };
  }
  window.counted = () => ({ contexts: contexts.size, observers: observers.size, timers: timers.size,
    elements: document.querySelectorAll(".tilewright-view").length });
}"""


def test_deleting_every_view_leaves_no_observer_or_timer_and_one_context_for_all(editor, scene, server):
    page = editor.context.browser.new_page(viewport={"width": 1700, "height": 1050})
    try:
        page.set_default_timeout(120_000)
        page.goto(server.url)
        page.wait_for_function(LOADED, timeout=60_000)
        use_renderer(page, "classic")
        page.evaluate(COUNTING)
        opened(page, scene)
        all_show(page)
        there = views_and_what_they_hold(page)
        assert there["contexts"] == 1 and there["views"] == there["elements"] == len(SHOWN), there
        assert there["observers"] > 0 and there["timers"] > 0, there
        left = {"contexts": 1, "observers": 0, "timers": 0, "views": 0, "elements": 0}
        assert views_and_what_they_hold(emptied(page)) == left
        opened(page, scene)  # and deleted before they have come to show anything
        assert views_and_what_they_hold(emptied(page)) == left
    finally:
        page.close()


def emptied(page):
    in_page(page, "for (const node of [...app.graph.nodes]) app.graph.remove(node);")
    page.wait_for_timeout(1000)  # what was put off for a moment has come
    return page


def views_and_what_they_hold(page):
    return in_page(page, "return { ...counted(), views: lib.liveViews().length };")


def busy(server):
    """A prompt of nobody's that runs until it is interrupted: a training of many steps on the demo model."""
    graph = {
        "1": {"class_type": "TilewrightDemoModel", "inputs": {}},
        "2": {"class_type": "TilewrightLoadDataset", "inputs": {"folder": "every_view", "map": "any"}},
        "3": {
            "class_type": "TilewrightTrainLora",
            "inputs": {"model": ["1", 0], "clip": ["1", 1], "vae": ["1", 2], "dataset": ["2", 0], "name": "busy"}
            | {"steps": 100000, "batch_size": 1, "resolution": 64, "rank": 1, "alpha": 1.0, "learning_rate": 1e-4}
            | {"seed": 1},
        },
    }
    told = post(server, "prompt", {"prompt": graph})
    assert not told["node_errors"], told


def running(server):
    with urlopen(f"{server.url}/queue") as answer:
        return json.load(answer)["queue_running"]


def post(server, path, body):
    asked = Request(f"{server.url}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(asked) as answer:
        return json.loads(answer.read() or b"{}")
