/**
 * What a node makes of a height or a picture, while its widgets are moved: of the last run's, of the file that a loader before it
 * names, or of what Height from Image makes live. A normal map is also seen lit, the light dragged over the relief.
 */
import { h, debounced } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { sourceOf } from "../lib/links.js";
import { OnDemand } from "../lib/on_demand.js";
import { RouteError } from "../lib/routes.js";
import { differences } from "../live/differences.js";
import { KINDS, LABELS } from "../live/kinds.js";
import { followLight } from "../live/light.js";
import { LOOK_AGAIN, Loaded } from "../live/loaded.js";
import { MapMaker } from "../live/map_maker.js";
import { Picture } from "../live/picture.js";
import { halved } from "../live/planes.js";
import { mayHaveSteps } from "../live/steps.js";
import { surfaceOf } from "../live/surfaces.js";
import { icon } from "../material/icons.js";
import { whyNotShown } from "../material/maps.js";

/** @typedef {import("../lib/comfy.js").NodeView} NodeView */
/** @typedef {import("../live/fourier.js").Plane} Plane */
/** @typedef {import("../live/files.js").Told} Told */
/** @typedef {import("../live/differences.js").Source} Source */
/** @typedef {import("../live/differences.js").Shown} Shown */

const OUTPUT = "tilewright_live";
const MOMENT = 80; // ms

/** @type {Set<LiveMapView>} */
const VIEWS = new Set();

/** @type {import("../lib/comfy.js").ViewKind} */
export const liveNormalView = { name: "live_normal", nodes: ["TilewrightHeightToNormal"], width: 320, height: 330, mount };

/** @type {import("../lib/comfy.js").ViewKind} */
export const liveMapsView = { name: "live_maps", nodes: ["TilewrightHeightFromImage", "TilewrightOcclusion", "TilewrightCurvature"], width: 320, height: 330, mount };

/** @param {NodeView} view */
function mount(view) {
  const shown = new LiveMapView(view);
  return { output: (/** @type {any} */ output) => shown.take(output[OUTPUT]), values: () => shown.follow() };
}

class LiveMapView {
  /** @param {NodeView} view */
  constructor(view) {
    this.view = view;
    this.kind = KINDS[view.node.comfyClass ?? view.node.type];
    this.chosen = this.kind.pictures[0];
    this.light = { azimuth: -0.8, elevation: 0.7 };
    this.isLit = false;
    this.made = "";
    const none = () => this.from || this.#forget(t(this.kind.hint)); // after an error, which is over
    this.loaded = new Loaded(view, this.kind, { found: () => this.redraw(), none, lost: (error) => this.#lose(error) });
    /** @type {Source | undefined} what the maker was asked to make a map of */
    this.from = undefined;
    /** @type {Plane | undefined} of it */
    this.plane = undefined;
    /** @type {Shown | undefined} what the maker made last */
    this.newest = undefined;
    /** @type {Shown | undefined} */
    this.shown = undefined;
    /** @type {Source | undefined} for the nodes that follow */
    this.given = undefined;
    this.canvas = h("canvas", { class: "tw-live-picture", role: "img", width: 16, height: 16 });
    this.picture = new Picture(this.canvas);
    this.empty = h("div", { class: "tw-empty" }, t(this.kind.hint));
    this.facts = h("div", { class: "tw-material-facts", "aria-live": "polite" });
    this.trust = h("span", { class: "tw-quiet", "aria-live": "polite" });
    this.stage = h("div", { class: "tw-material-stage", "data-still": !this.hasNormals }, this.canvas, this.empty, this.facts);
    this.lamp = h("button", { type: "button", "aria-pressed": "false", title: t("The relief in the light; drag to move it, or use the arrow keys (L)"), onclick: () => this.#turnLamp() }, icon("sun"), t("Lit"));
    this.choices = this.kind.pictures.map((name) => h("button", { type: "button", "data-picture": name, onclick: () => this.#choose(name) }, t(LABELS[name] ?? name)));
    const buttons = this.hasNormals ? [this.lamp] : this.choices.length > 1 ? this.choices : [];
    view.root.classList.add("tw-material");
    view.root.append(this.stage, h("div", { class: "tw-material-controls" }, ...buttons, this.trust));
    const [shown, failed] = [(/** @type {any} */ made) => this.#take(made), (/** @type {string} */ why) => this.#drop(t("The map cannot be shown: {why}", { why }))];
    this.maker = new MapMaker(view.node.comfyClass ?? view.node.type, shown, failed, view.signal);
    this.look = debounced(() => this.#look(), 60, view.signal);
    this.drawing = new OnDemand(this.stage, view.signal, () => this.#draw());
    this.drawing.followSize();
    if (this.hasNormals) followLight(view, this.stage, (right, up) => this.#moveLight(right, up), () => this.#turnLamp());
    this.#followGraph();
    this.recall();
  }

  get hasNormals() {
    return this.kind.pictures.includes("normal");
  }

  /** What the node gave out in a run. @param {unknown} given */
  take(given) {
    const [told] = /** @type {Told[]} */ (given ?? []);
    if (!told) return;
    this.loaded.take(told);
    this.#keep();
    this.redraw();
  }

  recall() {
    const remembered = this.view.remembered;
    if (remembered) {
      this.light = remembered.light ?? this.light;
      this.isLit = Boolean(remembered.isLit);
      this.chosen = this.kind.pictures.includes(remembered.chosen) ? remembered.chosen : this.chosen;
      this.loaded.ran ??= remembered.ran;
    }
    this.redraw();
  }

  /** A widget was moved, here or in a node that this one follows. */
  follow() {
    if (!this.loaded.ran) this.recall();
    this.look();
    for (const view of VIEWS) view.redraw();
  }

  redraw() {
    if (!this.drawing.isSeen && this.isWanted) this.#ask();
    this.drawing.redraw();
  }

  /** The live view of the node before this one, if it makes heights. @returns {LiveMapView | undefined} */
  get before() {
    const origin = sourceOf(this.view.node, this.kind.input);
    return origin ? [...VIEWS].find(({ view, kind }) => view.node === origin && kind.pictures.includes("height")) : undefined;
  }

  /** Whether it is in sight, or a view that goes on from it is. @returns {boolean} */
  get isWanted() {
    return this.drawing.isSeen || [...VIEWS].some((other) => other.before === this && other.isWanted);
  }

  #look() {
    if (this.isWanted) this.loaded.look();
  }

  /** @param {unknown} error why what the maps are made of did not come */
  #lose(error) {
    if (this.before?.given) return;
    this.#forget(error instanceof RouteError ? error.message : whyNotShown(error, t("The map cannot be shown: {why}", { why: String(error) })));
  }

  /** @param {string} sentence */
  #say(sentence) {
    this.empty.hidden = false;
    this.empty.textContent = sentence;
  }

  /** Nothing is shown nor given to other nodes. @param {string} why */
  #drop(why) {
    this.shown = this.newest = this.given = undefined;
    this.facts.textContent = this.trust.textContent = "";
    this.picture.clear();
    this.#say(why);
  }

  /** What the maps were made of does not count any more. @param {string} why */
  #forget(why) {
    this.from = this.plane = undefined;
    this.made = "";
    this.#drop(why);
  }

  #draw() {
    this.#look();
    this.#ask();
    if (this.shown) this.#show(this.shown);
  }

  /** Asks for the maps where anything has changed. */
  #ask() {
    const { before } = this;
    const source = before?.given ?? this.loaded.source;
    if (!source) return this.from && this.#forget(before?.empty.textContent || t(this.kind.hint));
    const settings = this.#settings();
    const flaw = this.kind.flaw?.(settings);
    if (flaw) return this.#forget(t(flaw));
    const plane = this.#plane(source);
    const isNew = plane !== this.plane;
    if (isNew) this.maker.give(halved(plane, this.kind.most ?? Infinity));
    this.plane = plane;
    this.from = source;
    const made = JSON.stringify(settings);
    if (!isNew && made === this.made) return;
    this.made = made;
    this.maker.make(settings);
    if (!this.shown) this.#say(t("The map is being made"));
  }

  /** @param {Source} source */
  #plane({ planes }) {
    return this.kind.debands && this.view.value("deband") && planes.smooth ? planes.smooth : planes.height;
  }

  /** The node's widgets, and the cm that a node before it says, or said in the last run. @returns {any} */
  #settings() {
    const settings = Object.fromEntries(this.kind.widgets.map((name) => [name, this.view.value(name)]));
    const { height_cm, size_cm } = surfaceOf(this.view.node) ?? this.loaded.ran ?? settings;
    return "height_cm" in settings ? { ...settings, height_cm: height_cm ?? settings.height_cm, size_cm: size_cm ?? settings.size_cm } : settings;
  }

  /** What the worker made; a draft is shown where the whole takes longer than a moment. @param {import("../live/map_worker.js").Made} made */
  #take({ pictures, height, size, isDraft = false }) {
    if (!this.from || !this.plane || !pictures || !size) return; // it came too late
    this.newest = { from: this.from, plane: this.plane, settings: JSON.parse(this.made), pictures, size, isDraft };
    if (isDraft) this.later ||= window.setTimeout(() => this.#accept(), MOMENT);
    else this.#accept();
    if (height) this.#give(this.from, height);
  }

  #accept() {
    clearTimeout(this.later);
    this.later = 0;
    if (!this.newest || this.view.signal.aborted) return;
    this.shown = this.newest;
    this.empty.hidden = true;
    this.#show(this.shown);
  }

  /** To the views of the nodes that follow. @param {Source} from @param {Plane} height made of it */
  #give({ told, isOfRun }, height) {
    this.given = { told: { ...told, debanded: !mayHaveSteps(height.values) }, planes: { height }, isOfRun, isGiven: true };
    for (const view of VIEWS) if (view !== this) view.redraw();
  }

  /** @param {Shown} shown */
  #show(shown) {
    const { from: { told }, pictures, size, settings, isDraft } = shown;
    const isLit = this.isLit && this.hasNormals;
    this.picture.show(pictures[this.chosen], size, isLit ? { ...this.light, convention: settings.convention } : null);
    this.lamp.setAttribute("aria-pressed", String(this.isLit));
    for (const button of this.choices) button.setAttribute("aria-pressed", String(button.dataset.picture === this.chosen));
    this.facts.textContent = [`${told.pixels.join(" × ")} px`, size[0] < told.pixels[0] && !isDraft && t("shown at {n} px", { n: size[0] })].filter(Boolean).join(" · ");
    this.trust.textContent = differences(this.view, this.kind, shown).join(" · ") || t("Live: as the node will make it");
    const what = isLit ? t("Relief in the light") : this.hasNormals ? t("Normal map") : t(LABELS[this.chosen] ?? "Height");
    this.canvas.setAttribute("aria-label", `${what}, ${this.facts.textContent}. ${this.trust.textContent}`);
  }

  /** @param {string} name */
  #choose(name) {
    this.chosen = name;
    this.#keep();
    this.redraw();
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
    const { light, isLit, chosen } = this;
    this.view.remember({ ran: this.loaded.ran, light, isLit, chosen });
  }

  /** A link that is cut or bypassed tells nobody. */
  #followGraph() {
    VIEWS.add(this);
    this.loaded.keepLooking(() => this.isWanted);
    const looking = setInterval(() => this.isWanted && this.#ask(), LOOK_AGAIN);
    this.view.signal.addEventListener("abort", () => {
      clearInterval(looking);
      VIEWS.delete(this);
    }, { once: true });
  }
}
