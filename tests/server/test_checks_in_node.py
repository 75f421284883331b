"""Save Material in the real editor: what its checks found stands in the node."""

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
}

_RUN = """async prompt => {
  await app.loadApiJson(prompt, "checks");
  await app.queuePrompt(0);
}"""

_TEXTS = """() => app.graph.nodes.filter(node => node.type === "TilewrightSaveMaterial")
  .flatMap(node => (node.widgets ?? []).map(widget => String(widget.value)))
  .filter(text => text.includes(" Q "))"""


def test_the_node_shows_what_its_checks_found(editor):
    editor.evaluate(_RUN, PROMPT)
    editor.wait_for_function(f"() => ({_TEXTS})().length > 0", timeout=300_000)
    (found,) = editor.evaluate(_TEXTS)
    assert "height: x Q " in found
    assert "normal: unit length" in found
    assert "given as DirectX, but its pixels say OpenGL" in found
    assert "normal and height show " in found
