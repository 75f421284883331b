/** The height or picture that a live map is made of where no live map before its node gives it: a loader's file, or the last run's. */
import { RouteError, get } from "../lib/routes.js";
import { planesOf } from "./files.js";
import { questionOf } from "./questions.js";

/** @typedef {import("../lib/comfy.js").NodeView} NodeView */
/** @typedef {import("./files.js").Told} Told */

export const LOOK_AGAIN = 1500; // ms: how often the loader before the node is looked at, and its links
const ASK_AGAIN = 2; // looks: how often its file, which another program may have written anew
const LONGEST = 40; // looks: a minute, where nothing comes, which is asked for half as often each time

export class Loaded {
  /**
   * @param {NodeView} view @param {import("./kinds.js").Kind} kind
   * @param {{found: () => void, none: () => void, lost: (error: unknown) => void}} told there is a source, nothing names one, it did not come
   */
  constructor(view, kind, told) {
    this.view = view;
    this.kind = kind;
    this.told = told;
    this.asked = "";
    this.isLost = false;
    this.requests = 0; // on their way
    this.looks = 0; // since its file was last asked for
    this.wait = ASK_AGAIN;
    /** @type {Told | undefined} of the last run */
    this.ran = undefined;
    /** @type {import("./differences.js").Source | undefined} */
    this.source = undefined;
  }

  /** What the node told of a run: the same files may be there again. @param {Told} told */
  take(told) {
    this.ran = told;
    if (this.isLost) this.asked = "";
  }

  /** Looks what is named now, and fetches it where that is another. */
  async look() {
    const run = this.ran ? JSON.stringify(this.ran) : "";
    const asked = questionOf(this.view.node, this.kind) || run;
    if (asked === this.asked) return;
    this.asked = asked;
    this.isLost = false;
    this.#waitFor(ASK_AGAIN);
    if (asked) return this.#fetch(asked, asked === run, "");
    this.source = undefined;
    this.told.none();
  }

  /** Looks again and again: widgets of a loader tell nobody, nor do links, nor does a file. @param {() => boolean} isWanted */
  keepLooking(isWanted) {
    const looking = setInterval(() => {
      if (!isWanted() || document.hidden) return;
      this.looks += 1;
      this.look();
      if (this.looks >= this.wait) this.#askAgain();
    }, LOOK_AGAIN);
    this.view.signal.addEventListener("abort", () => clearInterval(looking), { once: true });
  }

  /** Until its file is asked for again. @param {number} looks */
  #waitFor(looks) {
    this.wait = looks;
    this.looks = 0;
  }

  /** Whether the file of a loader is another than it was. */
  async #askAgain() {
    const isOfRun = Boolean(this.ran) && this.asked === JSON.stringify(this.ran);
    if (this.requests || isOfRun || !this.asked || !(this.source || this.isLost)) return;
    this.looks = 0;
    await this.#fetch(this.asked, false, this.source?.told.stamp ?? "");
  }

  /** @param {string} asked @param {boolean} isOfRun @param {string} stamp of the file as it is known */
  async #fetch(asked, isOfRun, stamp) {
    const { signal } = this.view;
    this.requests += 1;
    try {
      const told = isOfRun ? /** @type {Told} */ (this.ran) : await get("height", { ...JSON.parse(asked), ...(stamp && { stamp }) }, signal);
      if (asked !== this.asked || told.same) return;
      const planes = await planesOf(told);
      if (asked !== this.asked || signal.aborted) return;
      this.isLost = false;
      this.#waitFor(ASK_AGAIN);
      this.source = { told, planes, isOfRun };
      this.told.found();
    } catch (error) {
      const isOffline = stamp && !(error instanceof RouteError); // what is known holds until the server says otherwise
      if (signal.aborted || asked !== this.asked || isOffline) return;
      this.source = undefined;
      if (this.isLost) this.#waitFor(Math.min(2 * this.wait, LONGEST));
      this.isLost = true;
      this.told.lost(error);
    } finally {
      this.requests -= 1;
    }
  }
}
