/**
 * The normal map at once, in Height to Normal: of the last run's height, or of the file that a loader before it names; dragging
 * a widget shows what the node will make. Lit, the light is dragged over the relief.
 */
import { fetchServer } from "../lib/comfy.js";
import { h, debounced } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { isLinked, sourceOf } from "../lib/links.js";
import { OnDemand } from "../lib/on_demand.js";
import { RouteError, get } from "../lib/routes.js";
import { LiveNormals, lit } from "../live/normals.js";
import { icon } from "../material/icons.js";
import { bitmapOf, heightOf, pathOf, pixelsOf, whyNotShown } from "../material/maps.js";

/** @typedef {import("../lib/comfy.js").NodeView} NodeView */
/**
 * @typedef {{files: Record<string, import("../material/maps.js").FileName | string>, range: Record<string, [number, number]>,
 *   pixels: [number, number], debanded: boolean, axes: string, height_cm?: number, size_cm?: number}} Height what the node or the route tells
 */

const OUTPUT = "tilewright_height";
/** The widgets that name the file of a loader. @type {Record<string, string[]>} */
const LOADERS = { TilewrightLoadMap: ["file", "kind", "light", "layer"], LoadImage: ["image"] };
const WIDGETS = ["convention", "method", "axes", "height_cm", "size_cm", "strength", "invert", "smooth_cm"];
const TURN = 0.008; // radians a pixel
const LOOK_AGAIN = 1500; // ms: how often the loader before the node is looked at

/** @type {import("../lib/comfy.js").ViewKind} */
export const liveNormalView = {
  name: "live_normal",
  nodes: ["TilewrightHeightToNormal"],
  width: 320,
  height: 330,
  mount(view) {
    const shown = new LiveNormalView(view);
    return { output: (output) => shown.take(output[OUTPUT]), values: () => shown.follow() };
  },
};

class LiveNormalView {
  /** @param {NodeView} view */
  constructor(view) {
    this.view = view;
    this.light = { azimuth: -0.8, elevation: 0.7 };
    this.isLit = false;
    /** @type {Record<string, LiveNormals>} */
    this.live = {};
    this.asked = "";
    this.canvas = h("canvas", { class: "tw-live-picture", role: "img", width: 16, height: 16 });
    this.empty = h("div", { class: "tw-empty" }, t("Connect a height from Load Map or Load Image, or run the workflow once."));
    this.facts = h("div", { class: "tw-material-facts", "aria-live": "polite" });
    this.stage = h("div", { class: "tw-material-stage" }, this.canvas, this.empty, this.facts);
    this.lamp = h("button", { type: "button", "aria-pressed": "false", title: t("The relief in the light; drag to move it, or use the arrow keys (L)"), onclick: () => this.#turnLamp() }, icon("sun"), t("Lit"));
    view.root.classList.add("tw-material");
    view.root.append(this.stage, h("div", { class: "tw-material-controls" }, this.lamp, h("span", { class: "tw-quiet" }, t("Live: as the node will make it"))));
    this.load = debounced(() => this.#look(), 60, view.signal);
    this.drawing = new OnDemand(this.stage, view.signal, () => this.#draw());
    this.#followHand();
    this.#followLoader();
    this.recall();
  }

  /** What the node gave out in a run. @param {unknown} given */
  take(given) {
    const [height] = /** @type {Height[]} */ (given ?? []);
    if (!height) return;
    this.ran = height;
    this.#keep();
    if (!this.source) this.#show(height);
  }

  recall() {
    const remembered = this.view.remembered;
    if (!remembered) return;
    this.light = remembered.light ?? this.light;
    this.isLit = Boolean(remembered.isLit);
    this.ran ??= remembered.ran;
    if (this.ran && !this.source && !this.live.height) this.#show(this.ran);
  }

  /** A widget was moved. */
  follow() {
    if (!this.ran) this.recall();
    this.load();
    this.redraw();
  }

  /** The file that the node before this one loads, as a question to the server, "" where there is none. */
  get source() {
    const origin = sourceOf(this.view.node, "height");
    const names = origin && LOADERS[origin.type];
    if (!names) return "";
    const value = (/** @type {string} */ name) => String(origin.widgets?.find((widget) => widget.name === name)?.value ?? "");
    const asked = { loader: origin.type, axes: this.#value("axes"), file: value(names[0]), ...Object.fromEntries(names.slice(1).map((name) => [name, value(name)])) };
    return asked.file ? JSON.stringify(asked) : "";
  }

  redraw() {
    this.drawing.redraw();
  }

  async #look() {
    const asked = this.source;
    if (!asked || asked === this.asked) return;
    this.asked = asked;
    try {
      const height = await get("height", JSON.parse(asked), this.view.signal);
      if (asked === this.asked) await this.#show(height);
    } catch (error) {
      if (this.view.signal.aborted || asked !== this.asked) return;
      this.#say(error instanceof RouteError ? error.message : t("The height cannot be shown: {why}", { why: String(error) }));
    }
  }

  /** @param {Height} height */
  async #show(height) {
    this.shown = height;
    try {
      const planes = await Promise.all(
        Object.entries(height.files).map(async ([name, file]) => {
          const bitmap = await bitmapOf(await (typeof file === "string" ? fetch(file) : fetchServer(pathOf(file))));
          return /** @type {[string, LiveNormals]} */ ([name, new LiveNormals(heightOf(pixelsOf(bitmap), ...height.range[name]))]);
        }),
      );
      if (this.shown !== height || this.view.signal.aborted) return;
      this.live = Object.fromEntries(planes);
      this.empty.hidden = true;
      this.redraw();
    } catch (error) {
      this.#say(whyNotShown(error, t("The height cannot be shown: {why}", { why: String(error) })));
    }
  }

  /** @param {string} sentence */
  #say(sentence) {
    this.live = {};
    this.empty.hidden = false;
    this.empty.textContent = sentence;
  }

  #draw() {
    const deband = Boolean(this.#value("deband"));
    const live = (deband && this.live.smooth) || this.live.height;
    const height = this.shown;
    if (!live || !height) return;
    const settings = this.#settings();
    const normals = live.normals(settings);
    const pixels = this.isLit ? lit(normals, settings.convention, this.light) : normals;
    const { width, height: rows } = live.height;
    if (this.canvas.width !== width || this.canvas.height !== rows) Object.assign(this.canvas, { width, height: rows });
    this.canvas.getContext("2d")?.putImageData(new ImageData(/** @type {any} */ (pixels), width, rows), 0, 0);
    this.canvas.dataset.drawn = String(Number(this.canvas.dataset.drawn ?? 0) + 1);
    this.lamp.setAttribute("aria-pressed", String(this.isLit));
    const linked = [...WIDGETS, "deband", "surface"].filter((name) => isLinked(this.view.node, name));
    const notes = [`${height.pixels.join(" × ")} px`];
    if (width < height.pixels[0]) notes.push(t("shown at {n} px", { n: width }));
    if (deband && !height.debanded) notes.push(t("debanding shows after a run"));
    if (deband && this.live.smooth && height.axes !== settings.axes) notes.push(t("debanded for axes {axes}", { axes: height.axes }));
    if (linked.length) notes.push(t("linked, so not live: {names}", { names: linked.join(", ") }));
    this.facts.textContent = notes.join(" · ");
    this.canvas.setAttribute("aria-label", `${this.isLit ? t("Relief in the light") : t("Normal map")}, ${this.facts.textContent}`);
  }

  /** The node's widgets; the cm of another node as they were in the last run. @returns {any} */
  #settings() {
    const settings = Object.fromEntries(WIDGETS.map((name) => [name, this.#value(name)]));
    const { height_cm, size_cm } = this.ran ?? {};
    return isLinked(this.view.node, "surface") && height_cm !== undefined ? { ...settings, height_cm, size_cm } : settings;
  }

  /** @param {string} name */
  #value(name) {
    return /** @type {any} */ (this.view.value(name));
  }

  #turnLamp() {
    this.isLit = !this.isLit;
    this.#keep();
    this.redraw();
  }

  /** @param {number} right @param {number} up radians */
  #moveLight(right, up) {
    const { azimuth, elevation } = this.light;
    this.light = { azimuth: azimuth + right, elevation: Math.max(0.1, Math.min(Math.PI / 2, elevation + up)) };
    this.isLit = true;
    this.#keep();
    this.redraw();
  }

  #keep() {
    this.view.remember({ ran: this.ran, light: this.light, isLit: this.isLit });
  }

  #followHand() {
    const { stage, view } = this;
    const { signal } = view;
    stage.addEventListener("pointerdown", (down) => {
      if (down.button !== 0) return;
      down.preventDefault();
      view.root.focus({ preventScroll: true });
      stage.setPointerCapture(down.pointerId);
    }, { signal });
    stage.addEventListener("pointermove", (event) => {
      if (stage.hasPointerCapture(event.pointerId)) this.#moveLight(event.movementX * TURN, -event.movementY * TURN);
    }, { signal });
    view.root.addEventListener("keydown", (event) => {
      const [right, up] = { ArrowLeft: [-0.12, 0], ArrowRight: [0.12, 0], ArrowUp: [0, 0.12], ArrowDown: [0, -0.12] }[event.key] ?? [0, 0];
      if (event.key === "l") this.#turnLamp();
      else if (right || up) this.#moveLight(right, up);
      else return;
      event.preventDefault();
    }, { signal });
  }

  #followLoader() {
    const looking = setInterval(() => this.drawing.isSeen && this.#look(), LOOK_AGAIN); // the loader's own widgets tell nobody
    this.view.signal.addEventListener("abort", () => clearInterval(looking), { once: true });
  }
}
