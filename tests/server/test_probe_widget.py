"""The base that every view stands on, tried by the smallest view there can be, on a node that has none."""

import pytest
from widget_matrix import RENDERERS, Matrix, in_page, use_renderer

NODE = "TilewrightMeasureSeams"
PROBE = """
const { h, loadStyles } = await import(new URL('extensions/tilewright/lib/dom.js', location.href).href);
loadStyles();
window.probe ??= { mounts: 0, ends: 0, outputs: [], values: 0, clicks: 0 };
if (!window.probe.registered) {
  window.probe.registered = true;
  lib.registerViews([{
    name: "probe", nodes: [given], height: 140, width: 260,
    mount(view) {
      probe.mounts += 1;
      view.signal.addEventListener("abort", () => (probe.ends += 1), { once: true });
      window.addEventListener("resize", () => {}, { signal: view.signal });
      lib.onServer("status", () => {}, view.signal);
      view.root.append(
        h("button", { onclick: () => (probe.clicks += 1) }, "Press"),
        h("input", { type: "text", "aria-label": "words" }),
        h("div", { class: "long", style: { overflow: "auto", height: "60px" } },
          h("div", { style: { height: "600px" } })),
      );
      return { output: output => probe.outputs.push(output), values: () => (probe.values += 1) };
    },
  }], [], "tilewright.probe");
}
"""


@pytest.fixture
def probe(editor):
    in_page(editor, PROBE, NODE)
    return editor


@pytest.mark.parametrize("renderer", RENDERERS)
def test_a_view_outlives_what_a_person_does_to_its_node(probe, renderer):
    Matrix(probe, renderer, NODE, "probe").run()


@pytest.mark.parametrize("renderer", RENDERERS)
def test_pointer_keys_and_wheel_are_the_views_while_it_has_the_focus(probe, renderer):
    use_renderer(probe, renderer)
    matrix = Matrix(probe, renderer, NODE, "probe")
    matrix.put()
    matrix.shows()
    state = "return { ...window.probe, nodes: app.graph.nodes.length, scale: app.canvas.ds.scale };"
    before = in_page(probe, state)
    probe.get_by_role("button", name="Press").click()
    assert in_page(probe, state)["clicks"] == before["clicks"] + 1
    probe.keyboard.press("Delete")  # which deletes the selected node where the canvas has the focus
    probe.get_by_role("textbox", name="words").fill("wall")
    probe.keyboard.press("Backspace")
    assert probe.get_by_role("textbox", name="words").input_value() == "wal"
    assert in_page(probe, state)["nodes"] == 1
    probe.locator(".long").hover()
    probe.mouse.wheel(0, 120)
    probe.wait_for_function("document.querySelector('.long').scrollTop > 0")
    assert in_page(probe, state)["scale"] == before["scale"]
    in_page(probe, "document.activeElement.blur(); await frame();")
    probe.mouse.wheel(0, 120)
    probe.wait_for_function("before => app.canvas.ds.scale !== before", arg=before["scale"])


def test_what_a_node_gives_out_reaches_its_view_by_its_place_in_the_graph(probe):
    use_renderer(probe, "classic")
    matrix = Matrix(probe, "classic", NODE, "probe")
    matrix.put()
    told = in_page(
        probe,
        """const node = app.graph.nodes.at(-1);
        probe.outputs.length = 0;
        node.onExecuted?.({ told: ["live"] });
        app.nodeOutputs[lib.locatorOf(node)] = { told: ["kept"] };
        const { workflow } = await app.graphToPrompt();
        const view = lib.liveViews().find(view => view.kind.name === "probe");
        const last = view.lastOutput;
        view.remember({ file: "a.png" });
        const again = (await app.graphToPrompt()).workflow.nodes.at(-1).properties;
        return { heard: probe.outputs.map(one => one.told?.[0]), last, again };""",
    )
    assert "live" in told["heard"] and told["last"] == {"told": ["kept"]}
    assert told["again"]["tilewright.probe"] == {"file": "a.png"}
