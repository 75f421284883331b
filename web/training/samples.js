/** The samples of a training: a row for each prompt, a picture for each step, beside an image it learns from. */
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { address } from "../lib/routes.js";
import { twoUp } from "../lib/two_up.js";
import { nearestReference } from "./course.js";

/** @typedef {{picture: string, step: number, prompt: number, stamp: string}} Sample */
/** @typedef {{picture: string, caption: string, stamp: string}} Reference */
/** @typedef {{samples: Sample[], references: Reference[], prompts: string[]}} Pictures */

const THUMBNAIL = 256; // px: shown at 88, sharp where the graph is zoomed in
const LARGE = 1024;

/** @param {string} run @param {Sample} sample @param {number} side */
export function sampleAddress(run, sample, side = THUMBNAIL) {
  return address("runs/picture", { run, picture: sample.picture, stamp: sample.stamp, side });
}

/** @param {string} run @param {Reference} reference @param {number} side */
export function referenceAddress(run, reference, side = THUMBNAIL) {
  return address("runs/picture", { run, picture: reference.picture, kind: "reference", stamp: reference.stamp, side });
}

export class Filmstrip {
  /** @param {(step: number) => void} picked @param {(sample: Sample) => void} opened */
  constructor(picked, opened) {
    this.picked = picked;
    this.opened = opened;
    this.root = h("div", { class: "tw-film", role: "group", "aria-label": t("Samples") });
    this.shown = "";
    /** @type {Pictures} */
    this.pictures = { samples: [], references: [], prompts: [] };
    this.run = "";
    this.root.addEventListener("keydown", (event) => this.#walk(event));
  }

  /** Steps that have a picture. @returns {number[]} */
  get steps() {
    return [...new Set(this.pictures.samples.map((sample) => sample.step))];
  }

  /** @param {string} run @param {Pictures} pictures */
  set(run, pictures) {
    const shown = JSON.stringify([run, pictures]);
    if (shown === this.shown) return;
    const atEnd = this.#scrolls().every((row) => row.scrollLeft + row.clientWidth > row.scrollWidth - 24);
    Object.assign(this, { run, pictures, shown });
    const numbers = [...new Set(pictures.samples.map((sample) => sample.prompt))].sort((a, b) => a - b);
    this.root.replaceChildren(...numbers.map((number) => this.#row(number)));
    this.root.hidden = !numbers.length;
    if (atEnd) for (const row of this.#scrolls()) row.scrollLeft = row.scrollWidth;
  }

  /** @returns {HTMLElement[]} */
  #scrolls() {
    return [...this.root.querySelectorAll(".tw-film-steps")].map((row) => /** @type {HTMLElement} */ (row));
  }

  /** Marks the step that is looked at. @param {number | null} step */
  select(step) {
    for (const cell of this.root.querySelectorAll("button[data-step]")) {
      const is = Number(/** @type {HTMLElement} */ (cell).dataset.step) === step;
      cell.setAttribute("aria-pressed", String(is));
      if (is) reveal(/** @type {HTMLElement} */ (cell));
    }
  }

  /** @param {number} number of the prompt */
  #row(number) {
    const prompt = this.pictures.prompts[number] ?? "";
    const reference = nearestReference(prompt, this.pictures.references);
    const samples = this.pictures.samples.filter((sample) => sample.prompt === number);
    return h(
      "div",
      { class: "tw-film-row" },
      h("div", { class: "tw-film-prompt tw-quiet", title: prompt }, prompt || t("Prompt {number}", { number: number + 1 })),
      h(
        "div",
        { class: "tw-row tw-film-line" },
        reference &&
          h(
            "figure",
            { class: "tw-film-cell tw-film-reference", title: reference.caption },
            h("img", { src: referenceAddress(this.run, reference), alt: t("Image of the dataset: {caption}", { caption: reference.caption }), loading: "lazy", draggable: "false" }),
            h("figcaption", {}, t("dataset")),
          ),
        h("div", { class: "tw-film-steps" }, samples.map((sample) => this.#cell(sample, prompt))),
      ),
    );
  }

  /** @param {Sample} sample @param {string} prompt */
  #cell(sample, prompt) {
    return h(
      "button",
      {
        class: "tw-film-cell tw-plain",
        "data-step": sample.step,
        "aria-pressed": "false",
        title: t("Click: look at step {step}. Double click: compare", { step: sample.step }),
        onclick: () => this.picked(sample.step),
        ondblclick: () => this.opened(sample),
      },
      h("img", { src: sampleAddress(this.run, sample), alt: t("{prompt}, step {step}", { prompt, step: sample.step }), loading: "lazy", draggable: "false" }),
      h("span", { class: "tw-number" }, sample.step),
    );
  }

  /** @param {KeyboardEvent} event */
  #walk(event) {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const cell = document.activeElement?.closest("button[data-step]");
    if (!way || !cell) return;
    const next = /** @type {HTMLElement | null} */ (way < 0 ? cell.previousElementSibling : cell.nextElementSibling);
    next?.focus();
    next?.click();
    event.preventDefault();
  }
}

/** Scrolls its own row only: scrollIntoView would move the whole editor. @param {HTMLElement} cell */
function reveal(cell) {
  const row = /** @type {HTMLElement} */ (cell.parentElement);
  const [left, right] = [cell.offsetLeft - row.offsetLeft, cell.offsetLeft - row.offsetLeft + cell.offsetWidth];
  if (left < row.scrollLeft) row.scrollLeft = left - 8;
  else if (right > row.scrollLeft + row.clientWidth) row.scrollLeft = right - row.clientWidth + 8;
}

/**
 * Two steps side by side over the whole window, with the image of the dataset before them.
 * @param {string} run @param {Pictures} pictures @param {Sample} sample the right one @param {AbortSignal} signal
 */
export function compare(run, pictures, sample, signal) {
  const own = pictures.samples.filter((one) => one.prompt === sample.prompt);
  const prompt = pictures.prompts[sample.prompt] ?? "";
  const reference = nearestReference(prompt, pictures.references);
  const items = own.map((one) => ({ label: t("step {step}", { step: one.step }), address: sampleAddress(run, one, LARGE) }));
  if (reference) items.unshift({ label: t("dataset"), address: referenceAddress(run, reference, LARGE) });
  twoUp(prompt || run, items, own.indexOf(sample) + (reference ? 1 : 0), signal);
}
