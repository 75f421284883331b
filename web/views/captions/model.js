/** A dataset under the editor: what the server listed, what is edited, filtered and selected. Knows no DOM. */
import { t } from "../../lib/i18n.js";
import { Store } from "../../lib/store.js";
import { parseQuery } from "./query.js";
import { countTags, splitTags, tidy } from "./phrases.js";

/**
 * @typedef {object} Listed what the server tells of an image
 * @property {number} image its number
 * @property {string} key
 * @property {string} caption as it comes in
 * @property {string} map
 * @property {string} material
 * @property {[number, number]} size
 * @property {number} tokens
 * @property {boolean} hand
 * @property {boolean} regularisation
 * @property {string[]} badges
 * @property {string} stamp differs when the file was changed
 */
/** @typedef {{caption: string | null, excluded: boolean, seen: string, tokens?: number}} Edit */
/** @typedef {{step: number, what: string, time: string, images: number}} Step */
/** @typedef {{last: number, changed: Record<string, Edit>, done: Step[], undone: Step[]}} Journal */

/**
 * @typedef {object} Picture an image as it is now
 * @property {number} image
 * @property {string} key
 * @property {string} name
 * @property {string} incoming
 * @property {string} text the caption that holds
 * @property {string[]} tags
 * @property {number} tokens
 * @property {boolean} excluded
 * @property {boolean} edited
 * @property {boolean} overtaken the caption that comes in has changed since it was edited
 * @property {string} map
 * @property {string} material
 * @property {[number, number]} size
 * @property {boolean} regularisation
 * @property {string[]} signs "empty", "cut", "edited", "changed", "excluded", "seam", "duplicate", "blank", "unfit"
 * @property {string} stamp
 * @property {string[]} reasons what was found in its pixels
 */

/**
 * @typedef {object} Change
 * @property {number} picture number of the image
 * @property {string | null} [caption] null for the one that comes in
 * @property {boolean} [excluded]
 * @property {{caption: string, excluded: boolean}} [shown] what the person saw; by default what is shown now
 */
/** @typedef {{mine: Change[], what: string}} Conflict */

/**
 * @typedef {object} State
 * @property {"loading" | "ready" | "missing" | "failed"} status
 * @property {string} message
 * @property {Picture[]} pictures
 * @property {Picture[]} shown what the filter lets through, sorted
 * @property {string} query
 * @property {string} mistake what is wrong with the filter
 * @property {string} order
 * @property {ReadonlySet<number>} selected numbers of images
 * @property {number} current number of the image that is looked at, -1 for none
 * @property {number} limit tokens
 * @property {number} last
 * @property {Step[]} done
 * @property {Step[]} undone
 * @property {Conflict | null} conflict
 * @property {boolean} saving
 */

/** @typedef {{get: (path: string, query: any, signal?: AbortSignal) => Promise<any>, post: (path: string, body: object, signal?: AbortSignal) => Promise<any>}} Routes */
/** @typedef {{edits: string} | {listing: string}} Source */

/** @type {Record<string, (a: Picture, b: Picture) => number>} */
const ORDERS = {
  dataset: (a, b) => a.image - b.image,
  name: (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }),
  tokens: (a, b) => b.tokens - a.tokens,
  material: (a, b) => a.material.localeCompare(b.material, undefined, { numeric: true }),
};

/** @extends {Store<State>} */
export class Model extends Store {
  /** @param {Source} source @param {Routes} routes @param {AbortSignal} signal */
  constructor(source, routes, signal) {
    super({
      status: "loading", message: "", pictures: [], shown: [], query: "", mistake: "", order: "dataset",
      selected: new Set(), current: -1, limit: 75, last: 0, done: [], undone: [], conflict: null, saving: false,
    }); // prettier-ignore
    this.source = source;
    this.routes = routes;
    this.signal = signal;
    /** @type {Listed[]} */
    this.listed = [];
    /** @type {Map<string, Edit>} */
    this.edits = new Map();
    /** @type {(picture: Picture) => boolean} */
    this.test = () => true;
  }

  get editable() {
    return "edits" in this.source;
  }

  /** Everything anew from the server; what was selected and filtered stays. */
  async load() {
    try {
      const told = await this.routes.get("dataset", this.source, this.signal);
      this.listed = told.images;
      this.edits = new Map(Object.entries(told.changed ?? {}));
      const pictures = this.listed.map((one) => pictureOf(one, this.edits.get(one.key), told.limit));
      const { last = 0, done = [], undone = [] } = told;
      this.#show(pictures, { status: "ready", message: "", limit: told.limit, last, done, undone });
    } catch (error) {
      if (this.signal.aborted) return;
      const { status, message } = /** @type {any} */ (error);
      this.set({ status: status === 404 ? "missing" : "failed", message });
    }
  }

  /** What others did meanwhile. */
  async refresh() {
    if (!this.editable || this.state.status !== "ready") return;
    const told = await this.routes.get("dataset/changes", { ...this.source, after: this.state.last }, this.signal);
    this.#take(told);
  }

  /** @param {string} query */
  filter(query) {
    try {
      this.test = parseQuery(query);
      this.#show(this.state.pictures, { query, mistake: "" });
    } catch (error) {
      this.set({ query, mistake: /** @type {Error} */ (error).message });
    }
  }

  /** @param {string} order */
  sort(order) {
    this.#show(this.state.pictures, { order });
  }

  /** @param {number} image */
  picture(image) {
    return this.state.pictures[image];
  }

  /** Those that an action is for: the selected ones that are shown, or else the current one. */
  get chosen() {
    const { shown, selected, current } = this.state;
    const chosen = shown.filter((picture) => selected.has(picture.image));
    return chosen.length ? chosen : shown.filter((picture) => picture.image === current);
  }

  /** @returns {{tag: string, count: number}[]} of what is shown */
  get tagCounts() {
    return countTags(this.state.shown);
  }

  /**
   * Makes changes on the server, all or none. True where they were made; a conflict is in the state otherwise.
   * @param {string} what for the history
   * @param {Change[]} changes
   */
  async change(what, changes) {
    const real = changes.filter((change) => isChange(this.picture(change.picture), change));
    if (!real.length || !this.editable) return true;
    const asked = Object.fromEntries(real.map((change) => [this.picture(change.picture).key, this.#asked(change)]));
    return this.#send("dataset/edit", { what, changes: asked }, { what, mine: real });
  }

  /** @param {(picture: Picture) => string} rewrite @param {string} what @param {Picture[]} pictures */
  rewrite(what, pictures, rewrite) {
    return this.change(what, pictures.map((picture) => ({ picture: picture.image, caption: rewrite(picture) })));
  }

  undo() {
    const step = this.state.done.at(-1);
    return step ? this.#send("dataset/undo", { step: step.step }, null) : Promise.resolve(false);
  }

  redo() {
    const step = this.state.undone.at(-1);
    return step ? this.#send("dataset/redo", { step: step.step }, null) : Promise.resolve(false);
  }

  /** What the person decides where somebody else was quicker. @param {boolean} mine */
  async settle(mine) {
    const { conflict } = this.state;
    this.set({ conflict: null });
    const again = conflict?.mine.map((change) => ({ ...change, shown: undefined })) ?? [];
    return mine && conflict ? this.change(conflict.what, again) : true;
  }

  /** @param {Change} change */
  #asked({ picture: number, ...change }) {
    const { text, excluded } = this.picture(number);
    return { ...change, shown: change.shown ?? { caption: text, excluded } };
  }

  /** @param {string} path @param {object} body @param {Conflict | null} ours */
  async #send(path, body, ours) {
    this.set({ saving: true });
    try {
      this.#take(await this.routes.post(path, { ...this.source, ...body, after: this.state.last }));
      this.set({ message: "" });
      return true;
    } catch (error) {
      const { status, message } = /** @type {any} */ (error);
      if (status === 409) {
        await this.refresh();
        this.set({ conflict: ours, message: ours ? "" : message });
      } else this.set({ message: t("Not saved: {why}", { why: message }) });
      return false;
    } finally {
      this.set({ saving: false });
    }
  }

  /** @param {Journal} told */
  #take(told) {
    if (told.last === this.state.last) return;
    for (const [key, edit] of Object.entries(told.changed)) this.edits.set(key, edit);
    const pictures = this.state.pictures.map((picture, number) =>
      Object.hasOwn(told.changed, picture.key)
        ? pictureOf(this.listed[number], told.changed[picture.key], this.state.limit)
        : picture,
    );
    this.#show(pictures, { last: told.last, done: told.done, undone: told.undone });
  }

  /** @param {Picture[]} pictures @param {Partial<State>} more */
  #show(pictures, more) {
    const order = ORDERS[more.order ?? this.state.order] ?? ORDERS.dataset;
    const shown = pictures.filter(this.test).sort(order);
    this.set({ ...more, pictures, shown });
  }
}

const DUPLICATE = /^the same texture/;
const BLANK = /^(black|blank|saturated)/;

/** What was found in an image and has no sign of its own, such as its size. @param {string} reason */
export function isOther(reason) {
  return reason !== "seam" && !DUPLICATE.test(reason) && !BLANK.test(reason);
}

/** @param {Listed} listed @param {Edit | undefined} edit @param {number} limit @returns {Picture} */
export function pictureOf(listed, edit, limit) {
  const edited = edit?.caption !== null && edit?.caption !== undefined;
  const text = edited ? String(edit.caption) : listed.caption;
  const tokens = edited ? (edit.tokens ?? 0) : listed.tokens;
  const excluded = Boolean(edit?.excluded);
  const overtaken = edited && edit.seen !== listed.caption;
  const reasons = listed.badges;
  const signs = [
    !text && "empty",
    tokens > limit && "cut",
    (edited || listed.hand) && "edited",
    overtaken && "changed",
    excluded && "excluded",
    reasons.includes("seam") && "seam",
    reasons.some((reason) => DUPLICATE.test(reason)) && "duplicate",
    reasons.some((reason) => BLANK.test(reason)) && "blank",
    reasons.some(isOther) && "unfit",
  ];
  return {
    image: listed.image, key: listed.key, name: listed.key.split("/").at(-1) ?? "", incoming: listed.caption, text,
    tags: splitTags(text), tokens, excluded, edited, overtaken, map: listed.map, material: listed.material,
    size: listed.size, stamp: listed.stamp, regularisation: listed.regularisation, reasons,
    signs: /** @type {string[]} */ (signs.filter(Boolean)),
  }; // prettier-ignore
}

/** @param {Picture} picture @param {Change} change */
function isChange(picture, { caption, excluded }) {
  if (excluded !== undefined && excluded !== picture.excluded) return true;
  if (caption === undefined) return false;
  if (caption === null) return picture.edited;
  return tidy(caption) !== picture.text || picture.overtaken;
}
