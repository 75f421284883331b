"""Widgets that do nothing are not shown, in both renderers; what is saved and queued does not change by it."""

import colorsys

import pytest
from widget_matrix import RENDERERS, in_page, use_renderer

each_renderer = pytest.mark.parametrize("renderer", RENDERERS)

_PUT = """app.graph.clear(); app.canvas.ds.reset(); await frame();
const node = app.graph.add(LiteGraph.createNode(given.node)); node.pos = [420, 120]; await frame();
const set = (name, value) => {
  const one = node.widgets.find(widget => widget.name === name); one.value = value; one.callback?.(value);
};
for (const [name, value] of Object.entries(given.values ?? {})) set(name, value);
if (given.unfolded) node.showAdvanced = true;
app.canvas.setDirty(true, true); await frame(); await frame(); await frame();
"""

_SHOWN = """const rows = [...document.querySelectorAll(`[data-node-id="${node.id}"] [data-testid="node-widget"]`)];
const texts = new Set(rows.filter(row => row.checkVisibility()).flatMap(row => [...row.querySelectorAll("*")])
  .map(element => element.textContent.trim()));
return node.widgets.filter(one => LiteGraph.vueNodesMode ? texts.has(one.label ?? one.name) : node.isWidgetVisible(one))
  .map(one => one.name);
"""


def shown(page, node, values=None, unfolded=False):
    """The names of the widgets that a fresh node shows with those values."""
    return set(in_page(page, _PUT + _SHOWN, {"node": node, "values": values or {}, "unfolded": unfolded}))


@each_renderer
@pytest.mark.parametrize(
    ("node", "name", "acting", "idle"),
    [
        ("TilewrightLoraOptimizer", "warmup", {"scheduler": "cosine"}, {"scheduler": "constant"}),
        ("TilewrightLoraOptimizer", "power", {"scheduler": "polynomial"}, {"scheduler": "cosine"}),
        ("TilewrightLoraSaving", "prompts", {"sample_every": 50}, {"sample_every": 0}),
        ("TilewrightTrainLora", "steps", {"epochs": 0}, {"epochs": 3}),
        ("TilewrightPackChannels", "channels", {"layout": "custom"}, {"layout": "RMA"}),
    ],
)
def test_a_setting_of_another_mode_is_hidden(editor, renderer, node, name, acting, idle):
    use_renderer(editor, renderer)
    assert name in shown(editor, node, acting)
    assert name not in shown(editor, node, idle)
    assert set(acting) - {"epochs"} <= shown(editor, node, idle)  # epochs itself is advanced


@each_renderer
def test_advanced_settings_are_folded_and_unfold(editor, renderer):
    use_renderer(editor, renderer)
    folded = shown(editor, "TilewrightLoraObjective")
    assert {"wrap", "min_snr_gamma"} <= folded
    assert not {"clip_skip", "huber_delta"} & folded
    unfolded = in_page(
        editor,
        _PUT
        + """const button = node.widgets.find(one => one.name === "tilewright_fold");
        if (LiteGraph.vueNodesMode) node.showAdvanced = true; else button.callback();
        await frame(); await frame();"""
        + _SHOWN,
        {"node": "TilewrightLoraObjective"},
    )
    assert {"wrap", "clip_skip", "style"} <= set(unfolded)
    assert "huber_delta" not in unfolded  # the loss is mse


def test_the_button_speaks_of_one_setting_in_the_singular(editor):
    use_renderer(editor, "classic")
    button = """return node.widgets.find(one => one.name === "tilewright_fold").label;"""
    labels = [in_page(editor, _PUT + button, {"node": name}) for name in ("TilewrightScoreGrid", "TilewrightLoraGrid")]
    assert labels == ["1 advanced setting", "7 advanced settings"]


@each_renderer
def test_what_is_linked_hides_what_it_replaces(editor, renderer):
    use_renderer(editor, renderer)
    told = in_page(
        editor,
        _PUT
        + f"const visible = () => {{ {_SHOWN} }};"
        + """const other = app.graph.add(LiteGraph.createNode(given.node));
        const before = visible();
        other.connect(other.findOutputSlot("surface"), node, "surface"); await frame(); await frame();
        const linked = visible();
        node.disconnectInput("surface"); await frame(); await frame();
        return [before, linked, visible()];""",
        {"node": "TilewrightHeightToNormal"},
    )
    assert [("height_cm" in names, "size_cm" in names) for names in told] == [
        (True, True),
        (False, False),
        (True, True),
    ]


_EVERY = """app.graph.clear(); await frame();
const types = Object.keys(LiteGraph.registered_node_types).filter(type => type.startsWith("Tilewright"));
const nodes = types.map(type => app.graph.add(LiteGraph.createNode(type)));
for (const node of nodes) {
  for (const widget of node.widgets ?? []) {
    const values = widget.options?.values;
    if (widget.type === "combo" && Array.isArray(values) && values.length > 1) widget.value = values.at(-1);
    else if (widget.type === "toggle") widget.value = !widget.value;
    else if (widget.type === "number") widget.value = Math.min(widget.options.max, widget.value + widget.options.step2);
    widget.callback?.(widget.value);
  }
}
await frame(); await frame();
const saved = await app.graphToPrompt();
await app.loadGraphData(JSON.parse(JSON.stringify(saved.workflow))); await frame(); await frame();
const again = await app.graphToPrompt();
// Those of nodes that show a chosen picture are the picture's, and its coming.
const pictured = type => JSON.stringify(LiteGraph.registered_node_types[type].nodeData.input).includes("image_upload");
const heights = told => Object.fromEntries(
  told.workflow.nodes.filter(node => !pictured(node.type)).map(node => [node.type, node.size[1]]));
const values = told => Object.fromEntries(told.workflow.nodes.map(node => [node.type, node.widgets_values ?? []]));
return { types, before: [saved.output, values(saved)], after: [again.output, values(again)],
  heights: [heights(saved), heights(again)] };
"""


@each_renderer
def test_values_are_saved_and_queued_as_they_are_whatever_is_hidden(editor, renderer):
    use_renderer(editor, renderer)
    told = in_page(editor, _EVERY)
    assert len(told["types"]) > 50
    assert told["before"] == told["after"]
    assert not [name for node in told["before"][0].values() for name in node["inputs"] if name == "tilewright_fold"]
    saved, again = told["heights"]
    assert len(saved) > 50
    assert {name: (saved[name], again[name]) for name in saved if saved[name] != again[name]} == {}


@each_renderer
def test_a_graph_from_before_the_fold_is_shrunk_once(editor, renderer):
    """Saved with every widget shown, a node would else keep the room of those that are folded now."""
    use_renderer(editor, renderer)
    heights = in_page(
        editor,
        _PUT
        + """const { workflow } = await app.graphToPrompt();
        const sizes = [];
        for (const height of [1000, 260]) {
          workflow.nodes[0].size = [300, height];
          await app.loadGraphData(JSON.parse(JSON.stringify(workflow))); await frame();
          sizes.push(app.graph.nodes[0].size[1]);
        }
        return sizes;""",
        {"node": "TilewrightRoughnessFromImage"},
    )
    assert heights[0] < 460
    # Smaller than all of them is as high as someone wanted it; Nodes 2.0 may be at least as high as what they show.
    assert heights[1] == (260 if renderer == "classic" else max(260, heights[0]))


_COLORS = """const at = new URL("extensions/tilewright/faces/colors.js", location.href);
const { STAGES, TYPES } = await import(at.href);
"""


def test_titles_and_sockets_have_the_colours_of_stage_and_type_in_every_palette(editor):
    told = in_page(
        editor,
        _COLORS
        + """const seen = [];
        for (const palette of ["light", "dark"]) {
          await app.extensionManager.setting.set("Comfy.ColorPalette", palette); await frame(); await frame();
          const style = getComputedStyle(document.documentElement);
          for (const [type, color] of Object.entries(TYPES)) {
            const { default_connection_color_byType: slots, constructor: { link_type_colors: links } } = app.canvas;
            seen.push([color, links[type], slots[type], style.getPropertyValue(`--color-datatype-${type}`).trim()]);
          }
        }
        app.graph.clear();
        const types = Object.keys(LiteGraph.registered_node_types).filter(type => type.startsWith("Tilewright"));
        const nodes = types.map(type => LiteGraph.createNode(type));
        const slots = nodes.flatMap(node => [...node.inputs, ...node.outputs].map(slot => slot.type));
        const own = slots.filter(type => type.startsWith("TILEWRIGHT_") || type.startsWith("TEXTURE_"));
        const stageOf = node => node.constructor.nodeData.category.split("/")[1];
        const colors = nodes.map(node => [stageOf(node), node.color]);
        return { seen, STAGES, colors, untold: [...new Set(own)].filter(type => !TYPES[type]) };""",
    )
    assert all(len(set(colors)) == 1 for colors in told["seen"])
    assert all(told["STAGES"][stage] == color for stage, color in told["colors"])
    assert told["untold"] == []


@pytest.mark.parametrize(("letters", "lighter"), [("#999999", 0), ("#444444", 0.5)], ids=["dark", "light"])
def test_titles_can_be_read(editor, letters, lighter):
    """Light palettes draw a node's colour lighter by half of the scale of HSL, and Nodes 2.0 its title in #444."""
    colors = in_page(
        editor, "return (await import(new URL('extensions/tilewright/faces/colors.js', location.href).href)).STAGES;"
    )
    ratios = {stage: contrast(letters, lightened(color, lighter)) for stage, color in colors.items()}
    assert {stage: ratio for stage, ratio in ratios.items() if ratio < 4.5} == {}


def lightened(color, by):
    hue, lightness, saturation = colorsys.rgb_to_hls(*(int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)))
    parts = colorsys.hls_to_rgb(hue, min(1, lightness + by), saturation)
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def contrast(one, other):
    """The ratio of WCAG 2."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color):
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_a_node_is_as_high_as_what_it_shows(editor):
    """No widget hangs out below on the canvas, and no room is kept for those that are folded."""
    use_renderer(editor, "classic")
    told = in_page(
        editor,
        """app.graph.clear(); app.canvas.ds.reset(); await frame();
        const types = Object.keys(LiteGraph.registered_node_types).filter(type => type.startsWith("Tilewright"));
        const nodes = types.map(type => app.graph.add(LiteGraph.createNode(type)));
        nodes.forEach((node, at) => (node.pos = [(at % 8) * 500, Math.floor(at / 8) * 900]));
        app.canvas.setDirty(true, true); await frame(); await frame();
        return nodes.map(node => {
          const shown = node.widgets?.filter(one => node.isWidgetVisible(one)) ?? [];
          const last = shown.reduce((end, one) => Math.max(end, one.y + (one.computedHeight ?? 20)), 0);
          return [node.type, node.size[1], last];
        });""",
    )
    assert [one for one in told if one[1] < one[2] - 1 or one[2] and one[1] > one[2] + 60] == []


@each_renderer
def test_a_widget_is_not_taken_for_one_of_that_name_on_an_earlier_node(editor, renderer):
    use_renderer(editor, renderer)
    in_page(editor, _PUT, {"node": "TilewrightHeightToNormal"})  # whose `method` is advanced
    assert "method" in shown(editor, "TilewrightMakeSeamless")


def test_a_text_box_that_is_linked_is_a_named_socket_on_the_canvas(editor):
    """ComfyUI hides the box there, and leaves its room empty beside a dot without a name."""
    use_renderer(editor, "classic")
    told = in_page(
        editor,
        _PUT
        + """const text = app.graph.add(LiteGraph.createNode("PrimitiveStringMultiline"));
        text.pos = [60, 120];
        const box = node.widgets.find(one => one.name === "loras");
        const write = CanvasRenderingContext2D.prototype.fillText;
        const look = async () => {
          const written = [];
          CanvasRenderingContext2D.prototype.fillText = function (said, x, y) {
            const at = this.getTransform(); // of a screen that may have more than one px to a CSS px
            if (said === (box.label ?? box.name)) written.push(Math.round(at.f / at.d + y - node.pos[1] - box.y));
            write.call(this, said, x, y);
          };
          app.canvas.setDirty(true, true); await frame(); await frame();
          CanvasRenderingContext2D.prototype.fillText = write;
          return [box.computedHeight, [...new Set(written)]];
        };
        const before = await look();
        text.connect(0, node, "loras"); await frame();
        const linked = await look();
        node.disconnectInput("loras"); await frame();
        return [before, linked, await look()];""",
        {"node": "TilewrightLoraGrid"},
    )
    (before, nothing), (linked, name), (after, nothing_again) = told
    assert linked == 24  # as high as any other widget
    assert before == after > 40
    assert (nothing, name, nothing_again) == ([], [15], [])
