"""The pack's sentence is what a person reads in the editor, whether a node failed or the server refused its input."""

import pytest

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
    toast = editor.locator(".p-toast-message", has_text=sentence)
    toast.wait_for(timeout=30_000)
    text = toast.first.inner_text()
    assert text.splitlines()[0] == "My renders"
    assert "Traceback" not in text and "tilewright." not in text
    assert toast.count() == 1


def test_an_error_of_the_pack_is_named_without_the_path_of_its_module():
    from tilewright.common.errors import InputError

    assert f"{InputError.__module__}.{InputError.__qualname__}" == "builtins.InputError"
