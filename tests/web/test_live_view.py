"""What live maps do when links, files and settings change; the page has stand-ins for the editor and its server."""

import pytest

_STANDINS = {
    "app.js": "export const app = { registerExtension() {} };",
    "api.js": "export const api = { fetchApi: (path) => globalThis.serve(path), apiURL: (path) => path };",
}
_STAGE = """
const { liveMapsView, liveNormalView } = await import("/web/views/live_maps.js");
const OUTPUT = "tilewright_live";
const DEFAULTS = {
  TilewrightHeightFromImage: { source: "luminance", invert: false, axes: "both", flatten: 0, flatten_radius: 12,
    fine: 1, medium: 1, large: 1, clip: 0, black: 0, white: 1, gamma: 1, height_cm: 5, size_cm: 40 },
  TilewrightHeightToNormal: { convention: "OpenGL", method: "scharr", axes: "both", height_cm: 5, size_cm: 40,
    strength: 1, invert: false, smooth_cm: 0, deband: false },
  TilewrightOcclusion: { axes: "both", convention: "OpenGL", height_cm: 5, size_cm: 40, radius_cm: 4, slices: 2 },
  LoadImage: { image: "bricks.png" },
};
const nodeOf = (type, input, source) => {
  const widgets = Object.entries(DEFAULTS[type]).map(([name, value]) => ({ name, value }));
  const node = { type, widgets, inputs: [], properties: {}, mode: 0 };
  const link = (origin) => {
    return Object.assign(node, { inputs: [{ name: input, link: origin ? 1 : null }], getInputNode: () => origin });
  };
  return Object.assign(link(source), { link });
};
const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/web/tilewright.css" });
await new Promise((done) => Object.assign(sheet, { onload: done }) && document.head.append(sheet));
const endings = [() => sheet.remove()];
const mount = (node) => {
  const [root, ending] = [document.createElement("div"), new AbortController()];
  root.className = "tilewright tilewright-view";
  root.style = "width: 300px; height: 330px; position: relative";
  document.body.append(root);
  const view = { node, root, signal: ending.signal, remembered: undefined, remember() {},
    value: (name) => node.widgets.find((one) => one.name === name)?.value };
  endings.push(() => (ending.abort(), root.remove()));
  const kind = node.type === "TilewrightHeightToNormal" ? liveNormalView : liveMapsView;
  const mounted = kind.mount(view);
  const [canvas, empty] = [root.querySelector("canvas"), root.querySelector(".tw-empty")];
  return { ...mounted, root, canvas, empty, drawn: () => Number(canvas.dataset.drawn ?? 0),
    set: (name, value) => { node.widgets.find((one) => one.name === name).value = value; mounted.values(); },
    says: () => (empty.hidden ? root.querySelector(".tw-quiet").textContent : empty.textContent) };
};
const toldOf = (width, height) => {
  const files = { height: { filename: `${width}x${height}.png`, subfolder: "", type: "temp" } };
  const range = { height: [0, 1] };
  return { files, range, pixels: [width, height], debanded: false, axes: "both", channel: "luminance" };
};
const pictureOf = async (width, height) => {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  for (let at = 0; at < width; at += 2) {
    context.fillStyle = `rgb(${(at * 37) % 256} 9 9)`;
    context.fillRect(at, 0, 2, height);
  }
  return new Response(await canvas.convertToBlob());
};
globalThis.isGone = false;
globalThis.size = [16, 8];
globalThis.serve = async (path) => {
  if (path.startsWith("/tilewright/height")) return new Response(JSON.stringify(toldOf(...size)));
  return isGone ? new Response("", { status: 404 }) : pictureOf(...path.match(/(\\d+)x(\\d+)/).slice(1).map(Number));
};
const until = async (holds) => {
  const end = Date.now() + 15000;
  while (!holds() && Date.now() < end) await new Promise((done) => setTimeout(done, 20));
  if (!holds()) throw new Error(`never: ${holds}`);
};
const saying = (view, words) => until(() => view.says().includes(words));
"""


@pytest.fixture
def play(web):
    """Runs JavaScript among the stand-ins; what goes wrong in the page unseen fails the test."""
    wrong = []

    def note(error):
        wrong.append(str(error))

    def answer(route):
        route.fulfill(body=_STANDINS[route.request.url.rsplit("/", 1)[1]], content_type="text/javascript")

    web.route("**/scripts/*.js", answer)
    web.on("pageerror", note)
    yield lambda body: web.evaluate(
        f"async () => {{ {_STAGE} try {{ {body} }} finally {{ for (const end of endings) end(); }} }}"
    )
    web.remove_listener("pageerror", note)
    web.unroute("**/scripts/*.js", answer)
    assert not wrong


def test_files_that_were_gone_are_shown_once_a_run_has_made_them_again(play):
    play("""
      const view = mount(nodeOf("TilewrightOcclusion", "height"));
      isGone = true;
      view.output({ [OUTPUT]: [toldOf(16, 8)] });
      await saying(view, "The files of the last run are gone.");
      isGone = false;
      view.output({ [OUTPUT]: [toldOf(16, 8)] });  // the same names, of the same pixels
      await until(view.drawn);
      await saying(view, "of the last run's input");
    """)


def test_a_file_that_is_written_anew_or_taken_away_is_noticed(play):
    asked = play("""
      const asked = [];
      globalThis.stamp = "1";
      const before = globalThis.serve;
      globalThis.serve = async (path) => {
        if (!path.startsWith("/tilewright/height")) return before(path);
        const known = new URLSearchParams(path.split("?")[1]).get("stamp");
        asked.push(known);
        if (stamp === "gone") return new Response(JSON.stringify({ error: "There is no such file." }), { status: 400 });
        return new Response(JSON.stringify(known === stamp ? { same: true } : { ...toldOf(...size), stamp }));
      };
      endings.push(() => (globalThis.serve = before));
      const { setInterval } = globalThis;
      const looks = [];
      globalThis.setInterval = (look) => void looks.push(look);
      const view = mount(nodeOf("TilewrightOcclusion", "height", nodeOf("LoadImage")));
      globalThis.setInterval = setInterval;
      const lookUntil = (holds) => until(() => (looks.forEach((look) => look()), holds()));
      await saying(view, "Live: as the node will make it");
      await new Promise((done) => setTimeout(done, 300));  // what it says has its room now
      const drawn = view.drawn();
      await lookUntil(() => asked.length === 6);  // the next is asked once the last was answered
      const [first, again] = [asked.slice(0, 6), view.drawn() - drawn];
      [globalThis.stamp, globalThis.size] = ["2", [24, 8]];
      await lookUntil(() => view.root.textContent.includes("24 × 8 px"));
      globalThis.stamp = "gone";
      await lookUntil(() => view.says().includes("There is no such file."));
      globalThis.stamp = "3";
      await lookUntil(() => view.says().includes("Live: as the node will make it"));
      return [first, again];
    """)
    assert asked == [[None, "1", "1", "1", "1", "1"], 0]


_LOOKING = """
  const { Loaded } = await import("/web/live/loaded.js");
  const [loader, asked, plain] = [nodeOf("LoadImage"), [], globalThis.serve];
  globalThis.serve = (path) => {
    if (!path.startsWith("/tilewright/height")) return plain(path);
    asked.push(path);
    return heightOf();
  };
  endings.push(() => (globalThis.serve = plain));
  const view = { node: nodeOf("TilewrightOcclusion", "height", loader), signal: new AbortController().signal };
  const loaded = new Loaded(view, { input: "height" }, { found() {}, none() {}, lost() {} });
  const { setInterval } = globalThis;
  let look;
  globalThis.setInterval = (looking) => (look = looking);
  loaded.keepLooking(() => true);
  globalThis.setInterval = setInterval;
"""


def test_a_file_that_stays_away_is_asked_for_ever_less_often_down_to_once_a_minute(play):
    looks = play(f"""
      const said = JSON.stringify({{ error: "There is no such file." }});
      const heightOf = async () => new Response(said, {{ status: 400 }});
      {_LOOKING}
      const looks = [];
      for (let number = 0; number < 150; number += 1) {{
        const before = asked.length;
        look();
        await until(() => loaded.requests === 0);
        if (asked.length > before) looks.push(number);
      }}
      loader.widgets[0].value = "another.png";
      for (let number = 0; number < 3; number += 1) {{
        look();
        await until(() => loaded.requests === 0);
      }}
      return [looks, asked.filter((path) => path.includes("another.png")).length];
    """)
    assert looks == [[0, 2, 6, 14, 30, 62, 102, 142], 2]


def test_a_late_answer_about_one_file_lets_no_second_question_follow_about_the_next(play):
    asked = play(f"""
      const waiting = [];
      const heightOf = () => new Promise((done) => waiting.push((said) => done(new Response(JSON.stringify(said)))));
      {_LOOKING}
      look();
      waiting[0]({{ ...toldOf(16, 8), stamp: "1" }});
      await until(() => loaded.requests === 0 && loaded.source);
      look();
      look();  // asks whether it is the same
      loader.widgets[0].value = "another.png";
      look();
      waiting[1]({{ same: true }});
      await until(() => loaded.requests === 1);
      for (let number = 0; number < 4; number += 1) look();
      return asked.map((path) => new URLSearchParams(path.split("?")[1]).get("file"));
    """)
    assert asked == ["bricks.png", "bricks.png", "another.png"]


def test_a_link_that_is_cut_made_or_bypassed_is_followed(play):
    played = play("""
      const loader = nodeOf("LoadImage");
      const node = nodeOf("TilewrightOcclusion", "height", loader);
      const view = mount(node);
      await saying(view, "Live: as the node will make it");
      node.link(undefined);
      await saying(view, "Connect a height");
      const emptied = view.canvas.getContext("2d").getImageData(0, 0, 16, 8).data.some(Boolean);
      node.link(loader);
      await saying(view, "Live: as the node will make it");
      loader.mode = 4;
      await saying(view, "Connect a height");
      view.output({ [OUTPUT]: [toldOf(16, 8)] });
      await saying(view, "of the last run's input");
      return emptied;
    """)
    assert played is False


def test_a_height_of_other_proportions_is_drawn_in_its_own(play):
    shapes = play("""
      const loader = nodeOf("LoadImage");
      const view = mount(nodeOf("TilewrightOcclusion", "height", loader));
      await until(view.drawn);
      const shapes = [];
      for (const next of [[8, 40], [30, 2], [7, 7]]) {
        size = next;
        loader.widgets[0].value = `${next}.png`;
        for (let time = 0; time < 20; time += 1) {
          view.values();
          view.root.style.width = `${280 + time}px`;  // drawn anew while the new one is on its way
          await new Promise((done) => setTimeout(done, 10));
        }
        await until(() => view.root.querySelector(".tw-material-facts").textContent.startsWith(next.join(" × ")));
        shapes.push([view.canvas.width, view.canvas.height]);
      }
      return shapes;
    """)
    assert shapes == [[8, 40], [30, 2], [7, 7]]


def test_settings_that_the_node_refuses_are_told_of_here_and_in_the_nodes_that_follow(play):
    play("""
      const loader = nodeOf("LoadImage");
      const first = nodeOf("TilewrightHeightFromImage", "image", loader);
      const [height, occlusion] = [mount(first), mount(nodeOf("TilewrightOcclusion", "height", first))];
      await saying(occlusion, "Live: as the node will make it");
      height.set("black", 1);
      for (const view of [height, occlusion]) await saying(view, "Set black below white.");
      height.set("black", 0.2);
      for (const view of [height, occlusion]) await saying(view, "Live: as the node will make it");
    """)


def test_steps_that_only_the_node_smooths_are_told_of(play):
    play("""
      const image = nodeOf("TilewrightHeightFromImage", "image", nodeOf("LoadImage"));
      const before = mount(image);
      const view = mount(nodeOf("TilewrightHeightToNormal", "height", image));
      await until(view.drawn);
      await saying(view, "Live: as the node will make it");
      view.set("deband", true);
      await saying(view, "not debanded here, but by the node");
    """)


def test_what_the_worker_could_not_do_stays_to_be_read(play):
    said = play("""
      const node = nodeOf("TilewrightHeightToNormal", "height", nodeOf("LoadImage"));
      const view = mount(node);
      await until(view.drawn);
      view.set("method", "no such method");
      await saying(view, "The map cannot be shown");
      view.values();
      await new Promise((done) => setTimeout(done, 1700));  // it has been looked at again
      const said = view.says();
      view.set("method", "scharr");
      await saying(view, "Live: as the node will make it");
      return said;
    """)
    assert said.startswith("The map cannot be shown: ") and len(said) > 30


def test_a_height_that_was_made_smaller_is_said_to_be(play):
    said = play("""
      size = [2048, 4];
      const view = mount(nodeOf("TilewrightOcclusion", "height", nodeOf("LoadImage")));
      await saying(view, "made of a smaller height");
      return [view.says(), view.root.querySelector(".tw-material-facts").textContent];
    """)
    assert said == ["made of a smaller height", "2048 × 4 px · shown at 1024 px"]


def test_a_widget_that_changes_nothing_of_a_picture_does_not_draw_it(play):
    drawn = play("""
      const nodes = ["TilewrightOcclusion", "TilewrightHeightToNormal"];
      const [one, other] = nodes.map((type) => mount(nodeOf(type, "height", nodeOf("LoadImage"))));
      for (const view of [one, other]) await saying(view, "Live: as the node will make it");
      await new Promise((done) => setTimeout(done, 300));  // what it says has its room now
      const before = [one.drawn(), other.drawn()];
      one.set("radius_cm", 9);
      await until(() => one.drawn() > before[0]);
      await new Promise((done) => setTimeout(done, 300));
      return other.drawn() - before[1];
    """)
    assert drawn == 0


def test_a_loader_or_a_channel_whose_widget_is_linked_is_not_taken_at_its_word(play):
    asked, told = play("""
      const { questionOf } = await import("/web/live/questions.js");
      const { differences } = await import("/web/live/differences.js");
      const { KINDS } = await import("/web/live/kinds.js");
      const loader = nodeOf("LoadImage");
      const node = nodeOf("TilewrightHeightFromImage", "image", loader);
      const kind = KINDS.TilewrightHeightFromImage;
      const asked = [questionOf(node, kind)];
      loader.inputs = [{ name: "image", widget: { name: "image" }, link: 3 }];
      asked.push(questionOf(node, kind));
      node.inputs.push({ name: "source", widget: { name: "source" }, link: 4 });
      const plane = { width: 16, height: 8, values: new Float32Array(128) };
      const from = { told: toldOf(16, 8), planes: { height: plane }, isOfRun: false };
      return [asked, differences({ node, value: () => "luminance" }, kind, { from, plane, size: [16, 8] })];
    """)
    assert "bricks.png" in asked[0] and asked[1] == ""
    assert told == ["linked, so not live: source"]
