"""Save Material and Preview Material in the real editor: what their checks found stands in the node."""

PROMPT = {
    "1": {
        "class_type": "TilewrightRenderProcedural",
        "inputs": {"material": "bricks", "count": 1, "size": 64, "seed": 0, "folder": "checks", "map": "height"},
    },
    "2": {"class_type": "TilewrightHeightToNormal", "inputs": {"height": ["1", 3]}},
    "3": {
        "class_type": "TilewrightSaveMaterial",
        "inputs": {"name": "checks", "height": ["1", 3], "normal": ["2", 0], "convention": "DirectX"},
    },
    "4": {
        "class_type": "TilewrightPreviewMaterial",
        "inputs": {"height": ["1", 3], "normal": ["2", 0], "convention": "DirectX"},
    },
}

_RUN = """async prompt => {
  await app.loadApiJson(prompt, "checks");
  app.graph.id = crypto.randomUUID(); // as a workflow of the editor's own has one
  await app.queuePrompt(0);
}"""

_TEXTS = """() => [...document.querySelectorAll(".tw-badges")].map(element => element.textContent)
  .filter(text => text.includes("left–right"))"""


def test_the_node_shows_what_its_checks_found(editor):
    editor.evaluate(_RUN, PROMPT)
    editor.wait_for_function(f"() => ({_TEXTS})().length === 2", timeout=300_000)
    for found in editor.evaluate(_TEXTS):
        assert "height" in found and "left–right: " in found
        assert "normal: unit length" in found
        assert "given as DirectX, but its pixels say OpenGL" in found
        assert "normal and height show " in found


def test_what_was_found_is_there_again_after_a_reload(editor):
    editor.wait_for_timeout(2_000)  # the editor keeps a draft of the workflow now and then
    editor.reload(timeout=120_000)
    editor.wait_for_function(f"() => window.app?.graph && ({_TEXTS})().length === 2", timeout=120_000)


_LONGER = """() => {
  const list = document.querySelector(".tw-badges");
  const badge = list.querySelector(".tw-badge");
  badge.textContent = "left–right: seam, the edge is more detailed than the inside, ".repeat(3);
  return list.scrollWidth - list.clientWidth;
}"""


def test_a_verdict_that_is_longer_than_its_node_is_wide_goes_on_below(editor):
    editor.evaluate("() => { for (const node of app.graph.nodes) node.setSize([300, node.size[1]]); }")
    editor.wait_for_timeout(500)
    assert editor.evaluate(_LONGER) <= 0
