/** The chart of a training: sharp at any zoom, exact under the pointer, as fast with 100,000 steps as with a hundred. */
import { h, loadStyles } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { Course, decimated, lastAtMost, lossRange, shortNumber, smoothed, within } from "./course.js";
import { LINES, NAMES, shownTick, WIDTHS } from "./lines.js";
import { drawMarks } from "./marks.js";

/** @typedef {import("./course.js").Points} Points */
/** @typedef {import("./lines.js").LineName} LineName */

const LIBRARY = new URL("../vendor/uplot-1.6.32.mjs", import.meta.url).href;
const STYLES = "vendor/uplot-1.6.32.css";

export class Curve {
  host = h("div", { class: "tw-curve-host" });
  readout = h("div", { class: "tw-readout tw-number" });
  root = h("div", { class: "tw-curve", role: "img" }, this.host);
  /** @type {any} */
  plot = null;
  followed = new AbortController();

  /** @param {AbortSignal} signal @param {(step: number) => void} picked a step was clicked */
  constructor(signal, picked) {
    this.signal = signal;
    this.picked = picked;
    this.course = new Course();
    /** @type {Course | null} */
    this.other = null;
    this.log = false;
    this.shown = new Set(NAMES.filter((name) => LINES[name].shown));
    /** @type {number | null} */
    this.selected = null;
    /** @type {number | null} */
    this.chosen = null;
    /** @type {[number, number] | null} */
    this.zoomed = null;
    this.#load();
  }

  async #load() {
    loadStyles(STYLES);
    this.library = (await import(LIBRARY)).default;
    if (this.signal.aborted) return;
    const observer = new ResizeObserver(() => this.#resize());
    observer.observe(this.root);
    this.signal.addEventListener("abort", () => {
      observer.disconnect();
      this.followed.abort();
      this.plot?.destroy();
    });
    this.#build();
  }

  /** @param {Partial<Pick<Curve, "course" | "other" | "log" | "selected" | "chosen" | "zoomed">>} changes */
  set(changes) {
    const rebuild = "log" in changes && changes.log !== this.log;
    Object.assign(this, changes);
    if (rebuild) this.#build();
    else this.draw();
  }

  /** @param {LineName} name @param {boolean} shown */
  show(name, shown) {
    const axis = this.#rightAxis;
    this.shown[shown ? "add" : "delete"](name);
    if (axis !== this.#rightAxis || !this.plot) return this.#build();
    this.plot.setSeries(1 + NAMES.indexOf(name), { show: shown });
    this.draw();
  }

  /** What the axis on the right tells. @returns {"rate" | "transfer" | null} */
  get #rightAxis() {
    return this.shown.has("rate") ? "rate" : this.shown.has("transfer") ? "transfer" : null;
  }

  /** Which lines there is anything of. @returns {LineName[]} */
  get available() {
    const { course, other } = this;
    const has = {
      raw: course.step.length > 0,
      smooth: course.step.length > 0,
      fixed: course.measured("fixed").x.length > 0,
      validation: course.measured("validation").x.length > 0,
      transfer: course.measured("transfer").x.length > 0,
      rate: course.rate.some((rate) => rate !== null),
      other: (other?.step.length ?? 0) > 0,
    };
    return NAMES.filter((name) => has[name]);
  }

  /** Draws what is there now. */
  draw() {
    if (!this.plot) return;
    this.plot.setData(this.#table(), false);
    const [[low, high], [least, most]] = [this.#span(), this.#range];
    this.plot.batch(() => {
      this.plot.setScale("x", { min: low, max: high });
      this.plot.setScale("loss", { min: least, max: most });
    });
    this.tell(null);
  }

  /** The steps in view. @returns {[number, number]} */
  #span() {
    const longest = Math.max(this.course.last, this.other?.last ?? 0, 1);
    const whole = Math.max(longest, this.course.steps && this.course.steps < 1.6 * longest ? this.course.steps : 0, 2);
    return this.zoomed ?? [0, whole];
  }

  /** Columns of uPlot: the steps, and a column for each line, thinned to what the width can show. */
  #table() {
    const { course } = this;
    const [low, high] = this.#span();
    const [from, to] = within(course, low, high);
    const columns = Math.max(100, Math.round(this.root.clientWidth) || 400);
    const kept = decimated(course.loss, from, to, columns);
    const x = kept.map((i) => course.step[i]);
    const of = (/** @type {(number | null)[]} */ values) => kept.map((i) => values[i]);
    /** @type {Record<LineName, Points>} */
    const lines = {
      raw: { x, y: of(course.loss) },
      smooth: { x, y: of(this.#smooth(course)) },
      rate: { x, y: of(course.rate) },
      fixed: course.measured("fixed"),
      validation: course.measured("validation"),
      transfer: course.measured("transfer"),
      other: this.#otherLine(low, high, columns),
    };
    const settled = low + 0.03 * (high - low); // a mean over the first steps jumps
    const inView = (/** @type {Points} */ { x: at, y }) => y.filter((_, i) => at[i] >= settled && at[i] <= high);
    const drawn = /** @type {LineName[]} */ (["smooth", "fixed", "validation", "other"]).filter((name) => this.shown.has(name));
    this.#range = lossRange(drawn.map((name) => inView(lines[name])), this.shown.has("raw") ? inView(lines.raw) : [], this.log);
    const positive = (/** @type {(number | null)[]} */ values) => values.map((one) => (one !== null && one > 0 ? one : null));
    const tables = NAMES.map((name) => {
      const { x: at, y } = lines[name];
      return [at, this.log && LINES[name].scale === "loss" ? positive(y) : y];
    });
    return this.library.join(tables, tables.map(() => [2])); // 2: nulls of the join are no gaps
  }

  /** @type {[number, number]} */
  #range = [0, 1];
  /** @type {WeakMap<Course, {length: number, end: number, values: (number | null)[]}>} */
  #smoothed = new WeakMap();

  /** @param {Course} course */
  #smooth(course) {
    const known = this.#smoothed.get(course);
    if (known?.length === course.step.length && known.end === course.end) return known.values;
    const values = smoothed(course.loss, course.step.length / 10);
    this.#smoothed.set(course, { length: course.step.length, end: course.end, values });
    return values;
  }

  /** @param {number} low @param {number} high @param {number} columns @returns {Points} */
  #otherLine(low, high, columns) {
    const { other } = this;
    if (!other?.step.length) return { x: [], y: [] };
    const values = this.#smooth(other);
    const [from, to] = within(other, low, high);
    const kept = decimated(values, from, to, columns);
    return { x: kept.map((i) => other.step[i]), y: kept.map((i) => values[i]) };
  }

  #build() {
    if (!this.library || this.signal.aborted) return;
    this.plot?.destroy();
    this.density = Math.max(1, 2 / window.devicePixelRatio); // drawn at twice its size: sharp in a graph that is zoomed in
    this.host.style.transform = `scale(${1 / this.density})`;
    this.plot = new this.library(this.#options(this.density), [[0]], this.host);
    this.#follow(this.plot.over);
    this.draw();
  }

  /** @param {number} k density */
  #options(k) {
    const color = (/** @type {string} */ name) => getComputedStyle(this.root).getPropertyValue(name).trim();
    const font = `${11 * k}px system-ui, sans-serif`;
    const axis = (/** @type {object} */ more) => ({
      stroke: () => color("--tw-curve-ink"),
      font,
      gap: 4 * k,
      grid: { show: true, stroke: () => color("--tw-curve-grid"), width: 1 },
      ticks: { show: false },
      ...more,
    });
    const right = this.#rightAxis;
    const numbers = (/** @type {any} */ _, /** @type {(number | null)[]} */ values) =>
      values.map((value) => (value === null ? "" : shownTick(value)));
    return {
      ...this.#size(k),
      padding: [10 * k, (right ? 0 : 14) * k, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false },
        loss: { auto: false, distr: this.log ? 3 : 1, range: () => this.#range },
        share: { range: (/** @type {any} */ _, /** @type {number} */ low, /** @type {number} */ high) => [Math.min(0, low), Math.max(1, high)] },
        rate: { range: (/** @type {any} */ _, /** @type {number} */ low, /** @type {number} */ high) => [0, 1.15 * (high || 1)] },
      },
      axes: [
        axis({ size: 24 * k, space: 60 * k, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 1e4, 2e4, 5e4, 1e5, 2e5] }),
        axis({ scale: "loss", size: 52 * k, space: 34 * k, values: numbers }),
        ...(right ? [axis({ scale: LINES[right].scale, side: 1, size: 56 * k, space: 34 * k, grid: { show: false }, values: numbers,
          stroke: () => color(LINES[right].color) })] : []),
      ],
      series: [
        {},
        ...NAMES.map((name) => ({
          show: this.shown.has(name),
          scale: LINES[name].scale,
          stroke: () => color(LINES[name].color),
          width: WIDTHS[name] * k,
          spanGaps: true,
          dash: name === "other" ? [6 * k, 4 * k] : undefined,
          points: { show: () => (name === "fixed" || name === "validation") && this.course.measured(name).x.length < 80, size: 5 * k, width: 0, fill: () => color(LINES[name].color) },
        })),
      ],
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false },
        move: (/** @type {any} */ u, /** @type {number} */ left, /** @type {number} */ top) => {
          const scale = u.over.getBoundingClientRect().width / u.over.offsetWidth || 1;
          return [left / scale, top / scale];
        },
      },
      hooks: {
        setCursor: [(/** @type {any} */ u) => this.tell(u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : null)],
        setSelect: [(/** @type {any} */ u) => this.#zoom(u)],
        drawClear: [(/** @type {any} */ u) => drawMarks(u, k, color, this)],
      },
    };
  }

  /** @param {HTMLElement} over */
  #follow(over) {
    this.followed.abort(); // the plot before
    this.followed = new AbortController();
    const options = { signal: this.followed.signal };
    over.addEventListener("pointermove", () => this.plot?.syncRect(), { ...options, capture: true }); // the graph moves
    over.addEventListener("dblclick", () => this.set({ zoomed: null }), options);
    let downAt = 0;
    over.addEventListener("mousedown", (event) => (downAt = event.clientX), options);
    over.addEventListener("click", (event) => {
      if (Math.abs(event.clientX - downAt) < 4 && this.plot?.cursor.left >= 0) {
        this.picked(Math.round(this.plot.posToVal(this.plot.cursor.left, "x")));
      }
    }, options);
  }

  /** @param {any} u */
  #zoom(u) {
    if (u.select.width < 8) return;
    const [from, to] = [u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")];
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (to - from >= 2) this.set({ zoomed: [from, to] });
    this.root.dispatchEvent(new CustomEvent("zoomed"));
  }

  /** The exact values at a step, of the run and not of its picture; the newest for null. @param {number | null} where */
  tell(where) {
    const { course } = this;
    const index = where === null ? course.step.length - 1 : course.indexOf(Math.round(where));
    const step = where === null ? course.last : Math.max(0, Math.round(where));
    const measured = (/** @type {"fixed"|"validation"|"transfer"} */ name) => {
      const { x, y } = course.measured(name);
      return y[lastAtMost(x, step)];
    };
    /** @type {Record<LineName, number | null | undefined>} */
    const values = {
      raw: course.loss[index],
      smooth: this.#smooth(course)[index],
      fixed: measured("fixed"),
      validation: measured("validation"),
      transfer: measured("transfer"),
      rate: course.rate[index],
      other: this.other ? this.#smooth(this.other)[this.other.indexOf(step)] : null,
    };
    const told = this.available.filter((name) => this.shown.has(name) && values[name] !== undefined && values[name] !== null);
    this.readout.replaceChildren(
      h("b", {}, t("step {step}", { step })),
      ...told.map((name) =>
        h("span", {}, h("i", { style: { background: `var(${LINES[name].color})` } }), `${t(LINES[name].label)} ${shortNumber(values[name])}`),
      ),
    );
    const words = told.map((name) => `${t(LINES[name].label)} ${shortNumber(values[name])}`).join(", ");
    if (where === null) this.root.setAttribute("aria-label", t("Loss over {count} step. {words} | Loss over {count} steps. {words}", { count: course.last, words }));
  }

  /** @param {number} k */
  #size(k) {
    return { width: Math.max(120, this.root.clientWidth) * k, height: Math.max(80, this.root.clientHeight) * k };
  }

  #resize() {
    if (!this.plot || !this.root.clientWidth) return;
    this.plot.setSize(this.#size(this.density ?? 1));
    this.draw();
  }
}
