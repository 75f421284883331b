/** Follows one training by its name: fetches what is new while it runs, and again after anything that may have missed. */
import { onServer } from "../lib/comfy.js";
import { debounced } from "../lib/dom.js";
import { get, post } from "../lib/routes.js";
import { Course, isRunOf } from "./course.js";

/**
 * How a run stands, as the server tells it.
 * @typedef {{name: string, state: string, step: number, steps: number, begun: number | null, ended: number | null,
 *   trainer: string, lora: string, can: string[], text: string, notes: string[], checkpoints: Record<string, string>}} Run
 */
/** @typedef {import("./samples.js").Pictures} Pictures */

const EVERY = 2000; // ms between two looks at a run that trains; hints of the server come sooner
const AFTER_HINT = 250;
const IDLE = 20000; // at one that does not

/** All runs, the newest first. @param {AbortSignal} signal @returns {Promise<Run[]>} */
export async function allRuns(signal) {
  return (await get("runs", {}, signal)).runs;
}

/** The newest run that a node of that name made. @param {string} name @param {AbortSignal} signal */
export async function newestRunOf(name, signal) {
  return (await allRuns(signal)).find((run) => isRunOf(run.name, name)) ?? null;
}

export class Watch {
  /** @param {AbortSignal} signal @param {(watch: Watch, what: {course: boolean, pictures: boolean}) => void} changed */
  constructor(signal, changed) {
    this.signal = signal;
    this.changed = changed;
    this.name = "";
    this.course = new Course();
    /** @type {Run | null} */
    this.run = null;
    /** @type {Pictures} */
    this.pictures = { samples: [], references: [], prompts: [] };
    this.error = "";
    this.#soon = debounced(() => this.look(), AFTER_HINT, signal);
    onServer("tilewright.run", (hint) => hint?.name === this.name && this.#soon(), signal);
    onServer("reconnected", () => this.look(), signal);
    signal.addEventListener("abort", () => clearTimeout(this.timer), { once: true });
  }

  /** @type {() => void} */
  #soon;
  #looking = false;
  #again = false;

  /** @param {string} name "" for none */
  follow(name) {
    if (name === this.name) return;
    this.name = name;
    this.course = new Course();
    this.run = null;
    this.pictures = { samples: [], references: [], prompts: [] };
    this.error = "";
    this.changed(this, { course: true, pictures: true });
    this.look();
  }

  /** Fetches what is new, one look at a time. */
  async look() {
    clearTimeout(this.timer);
    if (!this.name || this.signal.aborted) return;
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = true;
    try {
      await this.#fetch(this.name);
    } catch (error) {
      if (!this.signal.aborted) this.#failed(/** @type {Error} */ (error));
    }
    this.#looking = false;
    const wait = this.#again ? 0 : this.run?.state === "training" ? EVERY : IDLE;
    this.#again = false;
    if (!this.signal.aborted) this.timer = window.setTimeout(() => this.look(), wait);
  }

  /** @param {string} name */
  async #fetch(name) {
    const { course } = this;
    const part = await get("runs/log", { run: name, after: course.end, key: course.key }, this.signal);
    if (name !== this.name) return;
    const before = this.run?.state;
    const painted = countOf(course, "sampled");
    const news = course.add(part);
    this.run = part.run;
    const pictures = !this.pictured || countOf(course, "sampled") !== painted;
    if (pictures || this.picturedOf !== name) {
      this.pictures = await get("runs/pictures", { run: name }, this.signal);
      this.pictured = true;
      this.picturedOf = name;
      if (name !== this.name) return;
    }
    const told = this.error;
    this.error = "";
    if (news || pictures || told || before !== this.run?.state) this.changed(this, { course: news, pictures: true });
  }

  /** @param {Error} error */
  #failed(error) {
    this.error = error.message;
    this.changed(this, { course: false, pictures: false });
  }

  /** Asks stop, save, sample or "go on" of the run. @param {string} action */
  async steer(action) {
    await post("runs/steer", { run: this.name, action }, this.signal);
    this.#soon();
  }
}

/** @param {Course} course @param {string} kind */
function countOf(course, kind) {
  return course.events.reduce((count, event) => count + Number(event.event === kind), 0);
}
