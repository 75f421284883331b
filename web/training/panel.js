/** The panel of one training: how it stands, its curve, its samples, and what a person asks of it. */
import { toast } from "../lib/comfy.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { Course, nearestStep, shortNumber } from "./course.js";
import { Curve } from "./curve.js";
import { LINES } from "./lines.js";
import { compare, Filmstrip } from "./samples.js";
import { standing } from "./standing.js";
import { warnings } from "./warnings.js";
import { allRuns, Watch } from "./watch.js";

/** @typedef {import("./watch.js").Run} Run */
/** @typedef {import("./lines.js").LineName} LineName */

const ACTIONS = [
  { action: "stop", label: "Stop and keep", done: "Stops after this step. What is trained is kept and handed on." },
  { action: "save", label: "Save now", done: "A LoRA of this step is kept." },
  { action: "sample", label: "Sample now", done: "The prompts are painted after this step." },
];

/**
 * @typedef {object} Use
 * @property {string} label what the button says
 * @property {(run: Run, step: number) => void} use hands on the checkpoint of `step`, 0 for the last
 * @property {() => number} [chosen] the step that is handed on now
 */

export class TrainingPanel {
  dot = h("span", { class: "tw-dot" });
  title = h("div", { class: "tw-grow tw-title tw-ellipsis" });
  status = h("div", { class: "tw-quiet tw-number tw-two-lines", role: "status", "aria-live": "polite" });
  bar = h("div", { class: "tw-progress", role: "progressbar", "aria-valuemin": 0, "aria-label": t("Steps") }, h("i"));
  actions = h("div", { class: "tw-row tw-actions" });
  lines = h("div", { class: "tw-row tw-lines", role: "group", "aria-label": t("Lines") });
  note = h("div", { class: "tw-note", hidden: true });
  said = h("ul", {});
  notes = h("details", { class: "tw-notes", hidden: true }, h("summary", {}, t("Notes of this training")), this.said);
  other = h("select", { class: "tw-other", "aria-label": t("Compare with"), onchange: () => this.watchOther?.follow(this.other.value), onpointerdown: () => this.#listOthers(), onfocus: () => this.#listOthers() }, h("option", { value: "" }, t("Compare with…")));
  logScale = h("button", { class: "tw-chip", "aria-pressed": "false", title: t("Logarithmic scale of the loss"), onclick: () => this.#toggleLog() }, "log");
  whole = h("button", { class: "tw-chip", hidden: true, onclick: () => this.#showWhole() }, t("Whole run"));
  slider = h("input", { type: "range", min: 0, max: 0, step: 1, class: "tw-grow", "aria-label": t("Step of the samples"), oninput: () => this.select(this.film.steps[Number(this.slider.value)]) });
  twoUp = h("button", { onclick: () => this.#compare() }, t("Compare two"));
  kept = h("select", { "aria-label": t("Checkpoint"), onchange: () => this.#chooser() });
  useButton = h("button", { class: "tw-main", onclick: () => this.#use() }, "");
  sliding = h("div", { class: "tw-row" }, this.slider, this.twoUp);
  choosing = h("div", { class: "tw-row tw-choosing" }, h("span", { class: "tw-grow tw-quiet tw-ellipsis" }), this.kept, this.useButton);
  empty = h("div", { class: "tw-empty" }, h("b", {}, t("No training yet")), h("span", {}, t("Press Run. The curve and the samples appear here.")));
  body = h("div", { class: "tw-training-body" });
  root = h("div", { class: "tw-training" });
  /** @type {Watch | null} */
  watchOther = null;
  /** @type {number | undefined} */
  inUse = undefined;

  /** @param {AbortSignal} signal @param {Use} use */
  constructor(signal, use) {
    this.signal = signal;
    this.use = use;
    this.inUse = use.chosen?.();
    /** @type {number | null} */
    this.step = null;
    this.curve = new Curve(signal, (step) => this.select(step));
    this.film = new Filmstrip(
      (step) => this.select(step),
      (sample) => compare(this.watch.name, this.watch.pictures, sample, signal),
    );
    this.watch = new Watch(signal, (_, what) => this.#changed(what));
    this.#build();
    this.watchOther = new Watch(signal, (watch) => this.curve.set({ other: watch.name ? watch.course : null }));
  }

  /** @param {string} run */
  follow(run) {
    if (run === this.watch.name) return;
    [this.step, this.other.value] = [null, ""];
    this.watchOther?.follow("");
    this.curve.set({ zoomed: null, selected: null });
    this.watch.follow(run);
  }

  #build() {
    this.useButton.textContent = this.use.label;
    this.curve.root.addEventListener("zoomed", () => this.#toolbar());
    this.curve.root.addEventListener("dblclick", () => setTimeout(() => this.#toolbar()));
    this.body.append(
      h("div", { class: "tw-row tw-head" }, this.dot, this.title, this.actions),
      this.status,
      this.bar,
      this.note,
      this.notes,
      h("div", { class: "tw-row tw-toolbar" }, this.lines, h("span", { class: "tw-grow" }), this.whole, this.logScale, this.other),
      this.curve.root,
      this.curve.readout,
      this.film.root,
      this.sliding,
      this.choosing,
    );
    this.root.append(this.empty, this.body);
    this.#changed({ course: true, pictures: true });
  }

  /** @param {{course: boolean, pictures: boolean}} what */
  #changed(what) {
    const { watch } = this;
    const { run, course } = watch;
    this.body.hidden = !run;
    this.empty.hidden = Boolean(run);
    if (watch.error && !run) this.empty.replaceChildren(h("span", {}, watch.error));
    if (!run) return;
    this.#head(run, course);
    this.curve.set({ course, chosen: this.use.chosen?.() ?? null });
    this.#toolbar();
    if (what.pictures) this.film.set(watch.name, watch.pictures);
    this.#steps(run, course);
  }

  /** @param {Run} run @param {Course} course */
  #head(run, course) {
    const steps = course.steps || run.steps;
    this.dot.dataset.state = run.state;
    this.title.textContent = run.name;
    const words = standing(run, course, this.watch.error);
    if (this.status.textContent !== words) this.status.textContent = words;
    this.status.title = words;
    this.bar.setAttribute("aria-valuemax", String(steps || 1));
    this.bar.setAttribute("aria-valuenow", String(course.last));
    this.bar.dataset.state = run.state;
    /** @type {HTMLElement} */ (this.bar.firstChild).style.width = `${steps ? Math.min(100, (100 * course.last) / steps) : 0}%`;
    this.#buttons(run);
    this.note.textContent = [["failed", "linked"].includes(run.state) ? run.text : "", ...warnings(course)].filter(Boolean).join(" ");
    this.note.hidden = !this.note.textContent;
    this.notes.hidden = !run.notes.length;
    /** @type {HTMLElement} */ (this.notes.firstChild).textContent = `${t("Notes of this training")} (${run.notes.length})`;
    if (this.said.dataset.shown !== run.notes.join("\n")) this.said.replaceChildren(...run.notes.map((line) => h("li", {}, line)));
    this.said.dataset.shown = run.notes.join("\n");
  }

  /** @param {Run} run */
  #buttons(run) {
    const training = run.state === "training";
    const wanted = training ? ACTIONS.filter(({ action }) => run.can.includes(action)) : run.state === "stopped" ? ["go on"] : [];
    const shown = JSON.stringify(wanted);
    if (this.actions.dataset.shown === shown) return;
    this.actions.dataset.shown = shown;
    this.actions.replaceChildren(
      ...wanted.map((one) =>
        typeof one === "string"
          ? h("button", { onclick: () => this.#steer("go on", "Queue the graph, and the training goes on."), title: t("Let the training go on when the graph is queued") }, t("Go on"))
          : h("button", { onclick: () => this.#steer(one.action, one.done) }, t(one.label)),
      ),
    );
  }

  /** @param {string} action @param {string} done */
  async #steer(action, done) {
    try {
      await this.watch.steer(action);
      toast("info", this.watch.name, t(done));
    } catch (error) {
      if (!this.signal.aborted) toast("warn", this.watch.name, /** @type {Error} */ (error).message);
    }
  }

  #toolbar() {
    const available = this.curve.available;
    this.whole.hidden = !this.curve.zoomed;
    const shown = JSON.stringify([available, [...this.curve.shown]]);
    if (this.lines.dataset.shown === shown) return;
    this.lines.dataset.shown = shown;
    const focused = /** @type {HTMLElement} */ (document.activeElement)?.dataset?.line;
    this.lines.replaceChildren(...available.map((name) => this.#chip(name)));
    if (focused) /** @type {HTMLElement | null} */ (this.lines.querySelector(`[data-line=${focused}]`))?.focus();
  }

  /** @param {LineName} name */
  #chip(name) {
    const toggle = () => {
      this.curve.show(name, !this.curve.shown.has(name));
      this.#toolbar();
    };
    const label = name === "other" ? this.watchOther?.name || LINES[name].label : t(LINES[name].label);
    return h(
      "button",
      { class: "tw-chip", "data-line": name, "aria-pressed": String(this.curve.shown.has(name)), onclick: toggle },
      h("i", { style: { background: `var(${LINES[name].color})` } }),
      h("span", { class: "tw-ellipsis" }, label),
    );
  }

  #showWhole() {
    this.curve.set({ zoomed: null });
    this.#toolbar();
  }

  #toggleLog() {
    this.curve.set({ log: !this.curve.log });
    this.logScale.setAttribute("aria-pressed", String(this.curve.log));
  }

  async #listOthers() {
    if (this.listing) return;
    this.listing = true;
    const runs = await allRuns(this.signal).catch(() => []);
    this.listing = false;
    const names = runs.map((run) => run.name).filter((name) => name !== this.watch.name);
    const { value } = this.other;
    this.other.replaceChildren(h("option", { value: "" }, t("Compare with…")), ...names.map((name) => h("option", { value: name }, name)));
    this.other.value = names.includes(value) ? value : "";
  }

  /** Looks at a step: of the samples, and of the LoRAs that were kept the nearest. @param {number} step */
  select(step) {
    const own = this.film.steps;
    this.step = own.length ? /** @type {number} */ (nearestStep(step, own)) : Math.max(0, Math.min(step, this.watch.course.last));
    const kept = Object.keys(this.watch.run?.checkpoints ?? {}).map(Number);
    const nearest = nearestStep(this.step, [...kept, this.watch.course.last]);
    this.kept.value = nearest !== null && kept.includes(nearest) ? String(nearest) : "0";
    this.curve.set({ selected: this.step });
    this.curve.tell(this.step);
    this.film.select(this.step);
    if (own.length) this.slider.value = String(own.indexOf(this.step));
    this.#chooser();
  }

  /** @param {Run} run @param {Course} course */
  #steps(run, course) {
    const own = this.film.steps;
    this.sliding.hidden = own.length < 2;
    const atEnd = this.step === null || Number(this.slider.value) === Number(this.slider.max);
    this.slider.max = String(Math.max(0, own.length - 1));
    if (own.length && atEnd) this.slider.value = this.slider.max;
    const shown = own[Number(this.slider.value)];
    this.slider.setAttribute("aria-valuetext", shown === undefined ? "" : t("step {step}", { step: shown }));
    if (this.step !== null) this.film.select(this.step);
    const kept = Object.keys(run.checkpoints).map(Number).sort((a, b) => a - b);
    const options = JSON.stringify([kept, course.last, run.lora]);
    if (this.kept.dataset.shown !== options) {
      const { value } = this.kept;
      this.kept.dataset.shown = options;
      this.kept.replaceChildren(
        h("option", { value: "0" }, t("last: step {step}", { step: course.last })),
        ...kept.map((step) => h("option", { value: String(step) }, t("step {step}", { step }))),
      );
      this.kept.value = value && [...this.kept.options].some((option) => option.value === value) ? value : String(this.use.chosen?.() ?? 0);
      if (this.kept.selectedIndex < 0) this.kept.value = "0";
    }
    this.#chooser();
  }

  #chooser() {
    const { run, course } = this.watch;
    if (!run) return;
    this.choosing.hidden = run.lora === "";
    const chosen = this.use.chosen?.();
    const wanted = Number(this.kept.value);
    const step = wanted || course.last;
    const { x, y } = course.measured("fixed");
    const at = x.lastIndexOf(/** @type {number} */ (nearestStep(step, x)));
    const words = [];
    if (chosen !== undefined) words.push(chosen ? t("In use: step {step}", { step: chosen }) : t("In use: the last step"));
    if (at >= 0) words.push(t("fixed noise {loss}", { loss: shortNumber(y[at]) }));
    const line = /** @type {HTMLElement} */ (this.choosing.firstChild);
    line.textContent = words.join(" · ");
    line.title = at >= 0 ? t("Measured on fixed noise at step {step}", { step: x[at] }) : "";
    this.useButton.disabled = chosen === wanted;
    this.curve.set({ chosen: chosen ?? null });
  }

  #use() {
    if (!this.watch.run) return;
    this.use.use(this.watch.run, Number(this.kept.value));
    this.inUse = this.use.chosen?.();
    this.#chooser();
  }

  /** The node's values changed. */
  refresh() {
    const chosen = this.use.chosen?.();
    if (chosen !== this.inUse && [...this.kept.options].some((option) => option.value === String(chosen))) this.kept.value = String(chosen);
    this.inUse = chosen;
    this.#chooser();
  }

  #compare() {
    const { samples } = this.watch.pictures;
    const step = this.step ?? this.film.steps.at(-1);
    const sample = samples.find((one) => one.step === step) ?? samples.at(-1);
    if (sample) compare(this.watch.name, this.watch.pictures, sample, this.signal);
  }
}
