"""The templates as a person opens and runs them, in both ways that the editor draws nodes."""

import json

import pytest
from api_workflows import NAMES, load
from tilewright.launch.workflows import graph_file
from widget_matrix import RENDERERS, use_renderer

WINDOW = (1600, 900)  # the smallest that is usual
READABLE = 9  # px of the smallest text
FROM_OUTSIDE = {  # nodes that need a file which the pack does not bring
    "CheckpointLoaderSimple",
    "UNETLoader",
    "UpscaleModelLoader",
    "TilewrightLoadDataset",
    "TilewrightRenderSubstance",
}
PATIENCE = {"upscale_4k"}  # paints 4096 pixels
SELF_CONTAINED = [
    name
    for name in NAMES
    if not PATIENCE & {name} and not FROM_OUTSIDE & {node["class_type"] for node in load(name).values()}
]
OF_THE_HOST = (  # what it asks for itself: its first graph for the sizes of models, Load Image for an example
    "Failed to load resource",
    "huggingface.co",
    "example.png",
)
QUICK = {  # how much is trained and sampled has no influence on what stands where
    "KSampler": {"steps": 2},
    "TilewrightTrainLora": {"steps": 2},
    "TilewrightLoraSaving": {"every_steps": 1},
    "TilewrightLoraGrid": {"steps": 1},
    "TilewrightRenderProcedural": {"count": {"most": 24}},
}

_OPEN = """async ([graph, name]) => {
  await app.loadGraphData(graph, true, true, name, { openSource: "template" });
  const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done, 60)));
  for (let i = 0; i < 5; i++) await frame();
}"""

# The smallest text in sight, in px of the screen. A text box's is the user's own setting.
_SMALLEST = """() => {
  const { scale } = app.canvas.ds;
  const sizes = [];
  if (!LiteGraph.vueNodesMode) sizes.push(LiteGraph.NODE_SUBTEXT_SIZE * scale, app.canvas.low_quality ? 0 : Infinity);
  const drawn = LiteGraph.vueNodesMode ? "[data-node-id]" : ".dom-widget";
  for (const node of document.querySelectorAll(drawn)) {
    const texts = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const element = texts.currentNode.parentElement;
      const box = element.getBoundingClientRect();
      const seen = box.width > 4 && box.height > 4 && box.right > 0 && box.bottom > 0 && box.left < innerWidth;
      if (!seen || !texts.currentNode.data.trim() || element.closest("textarea, select, [aria-hidden=true]")) continue;
      sizes.push(parseFloat(getComputedStyle(element).fontSize) * scale);
    }
  }
  return Math.min(...sizes);
}"""

# The boxes of all nodes, titles included, as they are drawn.
_BOXES = """() => app.graph.nodes.map(node => {
  const element = LiteGraph.vueNodesMode && document.querySelector(`[data-node-id="${node.id}"]`);
  const [x, y] = node.pos;
  if (!element) return [node.title, x, y - LiteGraph.NODE_TITLE_HEIGHT, x + node.size[0], y + node.size[1]];
  const { scale, offset } = app.canvas.ds;
  const box = element.getBoundingClientRect(), canvas = app.canvas.canvas.getBoundingClientRect();
  const place = (at, side, by) => (at - side) / scale - by;
  return [node.title, place(box.left, canvas.left, offset[0]), place(box.top, canvas.top, offset[1]),
    place(box.right, canvas.left, offset[0]), place(box.bottom, canvas.top, offset[1])];
})"""

_QUICKER = """values => {
  const all = graph => graph.nodes.flatMap(node => [node, ...(node.subgraph ? all(node.subgraph) : [])]);
  for (const node of all(app.graph))
    for (const [name, value] of Object.entries(values[node.type] ?? {})) {
      const widget = node.widgets.find(one => one.name === name);
      if (!widget) throw new Error(`${node.type} has no ${name}`);
      widget.value = value.most ? Math.min(value.most, widget.value) : value;
    }
}"""

_RUN = """async () => {
  const ended = new Promise((done, fail) => {
    const api = app.api ?? window.comfyAPI.api.api;
    api.addEventListener("execution_success", done, { once: true });
    api.addEventListener("execution_error", ({ detail }) => fail(new Error(detail.exception_message)), { once: true });
  });
  await app.queuePrompt(0);
  if (app.extensionManager.lastNodeErrors) throw new Error(JSON.stringify(app.extensionManager.lastNodeErrors));
  await ended;
}"""

# Whether each node that shows pictures has drawn them.
_SHOWN = """async names => {
  await app.extensionManager.command.execute("Comfy.Canvas.FitView"); // the canvas loads no picture out of sight
  const wanted = app.graph.nodes.filter(node => names.includes(node.type));
  const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done, 100)));
  for (let i = 0; i < 100; i++) {
    if (wanted.every(node => node.imgs?.length || LiteGraph.vueNodesMode &&
        document.querySelector(`[data-node-id="${node.id}"] img`)?.complete)) break;
    await frame();
  }
  for (let i = 0; i < 5; i++) await frame();
  return wanted.filter(node => !node.imgs?.length &&
    !document.querySelector(`[data-node-id="${node.id}"] img`)).map(node => node.title);
}"""
PICTURES = ["PreviewImage", "SaveImage", "TilewrightMeasureSeams"]  # Save Material shows its own view instead


in_both_renderers = pytest.mark.parametrize("renderer", RENDERERS)


def opened(editor, renderer, name):
    use_renderer(editor, renderer)
    editor.evaluate(_OPEN, [json.loads(graph_file(name).read_text(encoding="utf-8")), name])


def overlapping(editor):
    boxes = editor.evaluate(_BOXES)
    return [
        (one[0], other[0])
        for number, one in enumerate(boxes)
        for other in boxes[number + 1 :]
        if min(one[3], other[3]) - max(one[1], other[1]) > 1 and min(one[4], other[4]) - max(one[2], other[2]) > 1
    ]


def test_the_template_browser_lists_them_by_their_numbers(editor):
    listed = editor.evaluate("() => (app.api ?? window.comfyAPI.api.api).getWorkflowTemplates()")["tilewright"]
    assert listed == sorted(graph_file(name).stem for name in NAMES)


@in_both_renderers
@pytest.mark.parametrize("name", NAMES)
def test_a_template_opens_so_that_it_can_be_read_and_nothing_overlaps(editor, renderer, name):
    editor.set_viewport_size({"width": WINDOW[0], "height": WINDOW[1]})
    complaints = []
    editor.on("console", hear := lambda said: said.type == "error" and complaints.append(said.text))
    editor.on("response", ask := lambda got: got.status < 400 or complaints.append(f"{got.status} {got.url}"))
    opened(editor, renderer, name)
    assert editor.evaluate(_SMALLEST) >= READABLE
    assert overlapping(editor) == []
    note = next(box for box in editor.evaluate(_BOXES) if box[0] == "Read me")
    scale, (left, top) = editor.evaluate("() => [app.canvas.ds.scale, [...app.canvas.ds.offset]]")
    assert (note[1] + left) * scale >= 0 and (note[2] + top) * scale >= 0
    assert (note[3] + left) * scale <= WINDOW[0]
    editor.remove_listener("console", hear)
    editor.remove_listener("response", ask)
    assert [one for one in complaints if not any(words in one for words in OF_THE_HOST)] == []


@pytest.mark.slow
@in_both_renderers  # one after the other, so that the second run has what the first has made
@pytest.mark.parametrize("name", SELF_CONTAINED)
def test_a_template_runs_in_the_editor_and_its_pictures_cover_nothing(editor, renderer, name):
    editor.set_viewport_size({"width": 1920, "height": 1080})
    opened(editor, renderer, name)
    training = {"TilewrightTrainLora": QUICK["TilewrightTrainLora"] | {"name": f"{name} {renderer}"}}
    editor.evaluate(_QUICKER, QUICK | training if name == "train_resume" else QUICK)  # which a finished run refuses
    editor.evaluate(_RUN)
    assert editor.evaluate(_SHOWN, PICTURES) == []
    assert overlapping(editor) == []
