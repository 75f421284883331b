"""A page with a live map on it, and stand-ins for the editor and its server."""

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
