"""The pack's sentence is what a person reads in the editor, whether a node failed or the server refused its input."""

import pytest
from widget_matrix import TOAST

_RUN = """async folder => {
  const inputs = { folder, map: "any" };
  await app.loadApiJson({
    1: { class_type: "TilewrightLoadDataset", inputs, _meta: { title: "My renders" } },
    2: { class_type: "PreviewAny", inputs: { source: ["1", 3] }, _meta: { title: "Report" } },
  }, "errors");
  app.queuePrompt(0);
}"""


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [("no_pictures", "Put images into it, or choose another folder."), ("../secret", "lies outside the folders")],
    ids=["failed", "refused"],
)
def test_the_sentence_stands_in_a_toast_under_the_nodes_title(editor, server, folder, sentence):
    (server.base / "input" / "no_pictures").mkdir(parents=True, exist_ok=True)
    editor.evaluate(_RUN, folder)
    toast = editor.locator(TOAST, has_text=sentence)
    toast.wait_for(timeout=30_000)
    text = toast.first.inner_text()
    assert text.splitlines()[0] == "My renders"
    assert "Traceback" not in text and "tilewright." not in text
    assert toast.count() == 1


_UNCONNECTED = """async () => {
  await app.loadApiJson({
    1: { class_type: "TilewrightTilePreview", inputs: { columns: 2, rows: 2 }, _meta: { title: "My tiles" } },
  }, "errors");
  app.queuePrompt(0);
}"""


def test_what_comfyui_tells_itself_is_told_once(editor):
    """Of a socket without a link the server's details are no more than its name."""
    editor.evaluate("() => app.extensionManager.toast.removeAll?.()")
    editor.evaluate(_UNCONNECTED)
    editor.wait_for_function("() => app.extensionManager.lastNodeErrors?.['1']", timeout=30_000)
    editor.wait_for_timeout(1_500)
    told = [text for text in editor.locator(TOAST).all_inner_texts() if "My tiles" in text.splitlines()[:1]]
    assert told == []
    assert "My tiles" in editor.locator("body").inner_text()


_MARKED = """() => app.extensionManager.lastNodeErrors?.["1"]?.errors.map(error => error.extra_info.input_name)"""


def test_only_the_wrong_input_is_marked(editor):
    """The server repeats a node's sentence for every input that its check looks at."""
    editor.evaluate(_RUN, "../secret")
    editor.wait_for_function(f"() => ({_MARKED})()")
    assert editor.evaluate(_MARKED) == ["folder"]


_CANCEL = """async graph => {
  const { api } = window.comfyAPI.api;
  await app.loadApiJson(graph, "cancelled");
  const trains = new Promise(done => api.addEventListener("progress", ({ detail }) => detail.value > 1 && done()));
  app.queuePrompt(0);
  await trains;
  await api.interrupt();
}"""


@pytest.mark.slow
def test_a_cancelled_training_says_what_is_kept(editor, server):
    renders = {"material": "bricks", "count": 1, "size": 64, "seed": 0, "folder": "cancelled"}
    training = {"name": "cancelled", "steps": 5000, "batch_size": 1, "resolution": 64, "rank": 4, "alpha": 4.0}
    training |= {"model": ["2", 0], "clip": ["2", 1], "vae": ["2", 2], "dataset": ["1", 0], "learning_rate": 1e-4}
    graph = {
        "1": {"class_type": "TilewrightRenderProcedural", "inputs": renders},
        "2": {"class_type": "TilewrightDemoModel", "inputs": {}},
        "3": {"class_type": "TilewrightTrainLora", "inputs": training, "_meta": {"title": "My training"}},
    }
    editor.evaluate(_CANCEL, graph)
    toast = editor.locator(TOAST, has_text="Run goes on from there")
    toast.wait_for(timeout=60_000)
    assert toast.first.inner_text().splitlines()[0] == "My training"
    assert list((server.output / "loras").glob("cancelled*.safetensors"))


def test_an_error_of_the_pack_is_named_without_the_path_of_its_module():
    from tilewright.common.errors import InputError, UnreadableImage
    from tilewright.training.settings import ConfigError

    assert f"{InputError.__module__}.{InputError.__qualname__}" == "builtins.InputError"
    assert {kind.__module__ for kind in (InputError, UnreadableImage, ConfigError)} == {"builtins"}
