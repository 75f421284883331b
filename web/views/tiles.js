/** A texture without end, in Tile Preview: drag it, wheel to zoom, 1, 2 and 4 for so many tiles, seams as Measure Seams sees them. */
import { fetchServer } from "../lib/comfy.js";
import { h, toggleFullscreen } from "../lib/dom.js";
import { edgeWords } from "../lib/edge_words.js";
import { t } from "../lib/i18n.js";
import { OnDemand } from "../lib/on_demand.js";
import { Store } from "../lib/store.js";
import { sharpened } from "../material/canvas.js";
import { icon } from "../material/icons.js";
import { bitmapOf, pathOf, whyNotShown } from "../material/maps.js";
import { TileCanvas } from "../tile/tile_canvas.js";

/** @typedef {import("../lib/comfy.js").NodeView} NodeView */
/**
 * @typedef {{files: Record<string, import("../material/maps.js").FileName>, pixels: [number, number], number: number, of: number,
 *   seams: {x?: string, y?: string, text?: string, figures?: string}}} Tile what the node tells (nodes/seamless/measure.py)
 */
/** @typedef {{tiles: number, x: number, y: number, seams: boolean}} Look tiles across the view; x, y: texture pixel in its middle */

const OUTPUT = "tilewright_tiles";
const [FEWEST, MOST] = [0.02, 24]; // tiles across
/** @type {Look} */
const FIRST_LOOK = { tiles: 2, x: 0, y: 0, seams: true };

/** @type {import("../lib/comfy.js").ViewKind} */
export const tileView = {
  name: "tile_view",
  nodes: ["TilewrightTilePreview"],
  width: 380,
  height: 400,
  mount(view) {
    const shown = new TileView(view);
    return { output: (output) => shown.take(output[OUTPUT]), values: () => shown.recall() };
  },
};

class TileView {
  /** @param {NodeView} view */
  constructor(view) {
    this.view = view;
    /** @type {Store<Look>} */
    this.look = new Store({ ...FIRST_LOOK });
    /** @type {Tile[]} */
    this.tiles = [];
    this.chosen = 0;
    /** @type {TileCanvas | undefined} */
    this.drawn = undefined;
    this.loading = 0;
    this.canvas = h("canvas", { class: "tw-material-picture", role: "img" });
    this.empty = h("div", { class: "tw-empty" }, t("Run the workflow to see the texture without end."));
    this.facts = h("div", { class: "tw-material-facts tw-number", "aria-live": "polite" });
    this.stage = h("div", { class: "tw-material-stage" }, this.canvas, this.empty, this.facts);
    this.verdict = h("div", { class: "tw-tile-verdict" });
    this.seamsButton = button(icon("seams"), t("Lines where the texture meets its copy, and the strips of Measure Seams (S)"), () => this.#flipSeams());
    this.number = h("span", { class: "tw-number" });
    this.batch = h("div", { class: "tw-row tw-material-group" }, button("‹", t("Previous texture"), () => this.choose(this.chosen - 1)), this.number, button("›", t("Next texture"), () => this.choose(this.chosen + 1)));
    this.batch.hidden = true;
    view.root.classList.add("tw-material");
    view.root.append(this.stage, this.#controls(), this.verdict);
    this.look.on(() => this.#changed(), view.signal);
    this.drawing = new OnDemand(this.stage, view.signal, () => this.drawn && this.#draw(this.drawn));
    this.drawing.followSize();
    this.#followHand();
    view.signal.addEventListener("abort", () => this.drawn?.close(), { once: true });
    this.recall();
  }

  /** @param {unknown} given */
  take(given) {
    const tiles = /** @type {Tile[] | undefined} */ (given);
    if (!tiles?.length || JSON.stringify(tiles) === JSON.stringify(this.tiles)) return;
    this.tiles = tiles;
    this.chosen = Math.min(this.chosen, tiles.length - 1);
    this.#keep();
    this.#load();
  }

  /** What the workflow remembers, when it is opened. */
  recall() {
    const remembered = this.view.remembered;
    if (!remembered?.tiles?.length || this.tiles.length) return;
    this.look.set({ ...FIRST_LOOK, ...remembered.look });
    this.take(remembered.tiles);
  }

  /** @param {number} index */
  choose(index) {
    if (!this.tiles.length) return;
    this.chosen = (index + this.tiles.length) % this.tiles.length;
    this.#load();
  }

  get tile() {
    return this.tiles[this.chosen];
  }

  /** Canvas pixels per texture pixel. */
  get scale() {
    return this.canvas.width / (this.look.state.tiles * this.tile.pixels[0]);
  }

  async #load() {
    const mine = ++this.loading;
    try {
      const files = Object.entries(this.tile.files).map(async ([name, file]) => [name, await bitmapOf(await fetchServer(pathOf(file)))]);
      const pictures = Object.fromEntries(await Promise.all(files));
      if (mine !== this.loading || this.view.signal.aborted) return new TileCanvas(pictures).close();
      this.drawn?.close();
      this.drawn = new TileCanvas(pictures);
      this.empty.hidden = true;
      this.#tellSeams();
    } catch (error) {
      if (mine !== this.loading) return;
      this.empty.hidden = false;
      this.empty.textContent = whyNotShown(error, t("The texture cannot be shown: {why}", { why: String(error) }));
    }
    this.redraw();
  }

  redraw() {
    this.drawing.redraw();
  }

  /** @param {TileCanvas} drawn */
  #draw(drawn) {
    sharpened(this.canvas);
    const { x, y, seams, tiles } = this.look.state;
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    drawn.draw(context, { x, y, scale: this.scale }, seams ? this.tile.seams : null);
    this.canvas.dataset.drawn = String(Number(this.canvas.dataset.drawn ?? 0) + 1);
    this.facts.textContent = [
      t("offset {x}, {y} px", { x: wrapped(x, this.tile.pixels[0]), y: wrapped(y, this.tile.pixels[1]) }),
      t("{n} tile wide | {n} tiles wide", { n: Number(tiles.toPrecision(2)) }),
    ].join(" · ");
    this.canvas.setAttribute("aria-label", `${t("Texture, repeated")}. ${this.facts.textContent}. ${edgeWords(this.tile.seams.text ?? "")}`);
    this.seamsButton.setAttribute("aria-pressed", String(seams));
  }

  #tellSeams() {
    const { text, figures, x, y } = this.tile.seams;
    const [columns, rows] = this.tile.pixels;
    const none = Math.min(columns, rows) < 24 ? t("Too small to measure seams.") : t("Above 4096 pixels only Measure Seams measures.");
    this.verdict.textContent = text ? edgeWords(text) : none;
    this.verdict.title = figures ?? "";
    const worst = [x, y].includes("seam") ? "tw-bad" : [x, y].includes("doubtful") ? "tw-warn" : "tw-good";
    this.verdict.className = `tw-tile-verdict ${text ? worst : ""}`;
    this.batch.hidden = this.tiles.length < 2;
    this.number.textContent = `${this.tile.number} / ${this.tile.of}`;
  }

  #controls() {
    const some = [1, 2, 4].map((tiles) => button(`${tiles} × ${tiles}`, t("{n} tile across ({n}) | {n} tiles across ({n})", { n: tiles }), () => this.look.set({ tiles })));
    return h(
      "div",
      { class: "tw-material-controls" },
      h("div", { class: "tw-row tw-material-group" }, ...some, button("−", t("Smaller (-)"), () => this.#zoom(1.25)), button("+", t("Larger (+)"), () => this.#zoom(0.8))),
      h("div", { class: "tw-row tw-material-group" }, this.seamsButton, button(icon("half"), t("Shift by half a tile: seams to the middle, and back (H)"), () => this.#half()), button(icon("reset"), t("The corner into the middle, two tiles (0)"), () => this.look.set({ ...FIRST_LOOK, seams: this.look.state.seams })), button(icon("screen"), t("Whole screen (F)"), () => toggleFullscreen(this.view.root))),
      this.batch,
    );
  }

  #flipSeams() {
    this.look.set({ seams: !this.look.state.seams });
  }

  #half() {
    const [columns, rows] = this.tile?.pixels ?? [0, 0];
    this.look.set({ x: wrapped(this.look.state.x + columns / 2, columns), y: wrapped(this.look.state.y + rows / 2, rows) });
  }

  /** @param {number} factor above 1: more tiles */
  #zoom(factor) {
    this.look.set({ tiles: Math.max(FEWEST, Math.min(MOST, this.look.state.tiles * factor)) });
  }

  /** @param {number} right @param {number} down texture pixels by which the texture moves */
  #move(right, down) {
    const [columns, rows] = this.tile.pixels;
    this.look.set({ x: modulo(this.look.state.x - right, columns), y: modulo(this.look.state.y - down, rows) });
  }

  #followHand() {
    const { stage, view } = this;
    const { signal } = view;
    stage.addEventListener("pointerdown", (down) => this.#drag(down), { signal });
    stage.addEventListener("wheel", (event) => this.#wheel(event), { signal, passive: false });
    stage.addEventListener("pointerenter", () => this.redraw(), { signal });
    view.root.addEventListener("keydown", (event) => this.#press(event), { signal });
  }

  /** @param {PointerEvent} down */
  #drag(down) {
    if (down.button !== 0 || !this.drawn) return;
    down.preventDefault();
    this.view.root.focus({ preventScroll: true });
    this.stage.setPointerCapture(down.pointerId);
    const ending = new AbortController();
    let [x, y] = [down.clientX, down.clientY];
    const move = (/** @type {PointerEvent} */ event) => {
      const pixel = this.canvas.width / this.canvas.getBoundingClientRect().width / this.scale; // texture pixels a pixel of the hand
      this.#move((event.clientX - x) * pixel, (event.clientY - y) * pixel);
      [x, y] = [event.clientX, event.clientY];
    };
    const signal = AbortSignal.any([ending.signal, this.view.signal]);
    this.stage.addEventListener("pointermove", move, { signal });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) this.stage.addEventListener(end, () => ending.abort(), { signal });
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    if (!this.view.root.contains(document.activeElement) || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.#zoom(Math.exp(event.deltaY * 0.0015));
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.tile) return;
    const step = event.shiftKey ? 1 : 16;
    const act = {
      1: () => this.look.set({ tiles: 1 }),
      2: () => this.look.set({ tiles: 2 }),
      4: () => this.look.set({ tiles: 4 }),
      0: () => this.look.set({ ...FIRST_LOOK, seams: this.look.state.seams }),
      "+": () => this.#zoom(0.8),
      "-": () => this.#zoom(1.25),
      s: () => this.#flipSeams(),
      h: () => this.#half(),
      f: () => toggleFullscreen(this.view.root),
      ArrowLeft: () => this.#move(-step, 0),
      ArrowRight: () => this.#move(step, 0),
      ArrowUp: () => this.#move(0, -step),
      ArrowDown: () => this.#move(0, step),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  #changed() {
    this.#keep();
    this.redraw();
  }

  #keep() {
    this.view.remember({ look: this.look.state, tiles: this.tiles });
  }
}

/** @param {Node | string} face @param {string} title @param {() => void} onclick */
function button(face, title, onclick) {
  return h("button", { type: "button", title, "aria-label": title, onclick }, face);
}

/** @param {number} value @param {number} size */
function modulo(value, size) {
  return ((value % size) + size) % size;
}

/** @param {number} value @param {number} size */
function wrapped(value, size) {
  return Math.round(modulo(value, size)) % size;
}
