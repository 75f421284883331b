/** The course of a training as its log tells it, and what is read off it. Knows no DOM. */

/**
 * What a GET of runs/log answers: steps and events behind one byte of the log.
 * @typedef {object} LogPart
 * @property {number} begin 0 where it replaces all that was read before
 * @property {number} end
 * @property {number} key of the log: another one is another log of the same name
 * @property {Record<"step"|"loss"|"lr"|"time", (number | null)[]>} steps
 * @property {LogEvent[]} events
 */

/** @typedef {{event: string, step: number, time?: number, [fact: string]: any}} LogEvent */
/** @typedef {{x: number[], y: (number | null)[]}} Points */

const RECENT = 50; // steps whose pace tells the time left
const SPIKE = 8; // times the median: a step that waited for samples, a save or a sleeping computer

export class Course {
  end = 0;
  key = 0;
  /** @type {number[]} */
  step = [];
  /** @type {(number | null)[]} */
  loss = [];
  /** @type {(number | null)[]} */
  rate = [];
  /** @type {(number | null)[]} */
  time = [];
  /** @type {LogEvent[]} */
  events = [];

  /** Takes in what is new. Returns whether there was anything. @param {LogPart} part */
  add(part) {
    const replaces = part.begin === 0 || part.begin !== this.end;
    if (replaces) Object.assign(this, new Course());
    const { step, loss, lr, time } = part.steps;
    for (let i = 0; i < step.length; i++) {
      this.step.push(/** @type {number} */ (step[i]));
      this.loss.push(loss[i]);
      this.rate.push(lr[i]);
      this.time.push(time[i]);
    }
    this.events.push(...part.events);
    this.end = part.end;
    this.key = part.key;
    return replaces || step.length > 0 || part.events.length > 0;
  }

  /** How the run began, the last time that it did. @returns {LogEvent | undefined} */
  get begun() {
    return newest(this.events, (event) => event.event === "begun");
  }

  /** How many steps it shall have, 0 where nobody knows yet. */
  get steps() {
    return newest(this.events, (event) => event.steps > 0)?.steps ?? 0;
  }

  /** The newest step that is known. */
  get last() {
    return this.step.at(-1) ?? 0;
  }

  /** Measurements of one kind. @param {"fixed"|"validation"|"transfer"} name @returns {Points} */
  measured(name) {
    const found = this.events.filter((event) => event.event === "measured" && typeof event[name] === "number");
    return { x: found.map((event) => event.step), y: found.map((event) => event[name]) };
  }

  /** Steps after which a LoRA was kept. @returns {number[]} */
  get saved() {
    return this.events.filter((event) => event.event === "saved").map((event) => event.step);
  }

  /** Seconds to the last step: by the median of the newest steps, without those in which samples were painted. */
  get secondsLeft() {
    const pace = this.secondsPerStep;
    return pace === null || !this.steps ? null : Math.max(0, this.steps - this.last) * pace;
  }

  /** @returns {number | null} */
  get secondsPerStep() {
    const from = Math.max(1, this.step.length - RECENT);
    const sampled = new Set(this.events.filter((event) => event.event === "sampled").map((event) => event.step));
    const taken = [];
    for (let i = from; i < this.step.length; i++) {
      const [before, now, steps] = [this.time[i - 1], this.time[i], this.step[i] - this.step[i - 1]];
      const waited = sampled.has(this.step[i]) || sampled.has(this.step[i - 1]);
      if (before !== null && now !== null && now > before && steps > 0 && !waited) taken.push((now - before) / steps);
    }
    if (!taken.length) return null;
    const middle = median(taken);
    const usual = taken.filter((seconds) => seconds < SPIKE * middle);
    return usual.reduce((sum, seconds) => sum + seconds, 0) / usual.length;
  }

  /** Place of a step, or of the last one before it; -1 before the first. @param {number} step */
  indexOf(step) {
    return lastAtMost(this.step, step);
  }
}

/** @param {LogEvent[]} events @param {(event: LogEvent) => boolean} is */
function newest(events, is) {
  for (let i = events.length - 1; i >= 0; i--) if (is(events[i])) return events[i];
  return undefined;
}

/** @param {number[]} values */
export function median(values) {
  const ordered = [...values].sort((a, b) => a - b);
  return ordered[Math.floor((ordered.length - 1) / 2)];
}

/** Index of the last of ascending numbers that is at most `limit`, -1 for none. @param {number[]} ascending @param {number} limit */
export function lastAtMost(ascending, limit) {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** First and last index of a course that a view of these steps touches. @param {Course} course @param {number} low @param {number} high @returns {[number, number]} */
export function within({ step }, low, high) {
  return [Math.max(0, lastAtMost(step, low)), Math.min(step.length - 1, lastAtMost(step, high) + 1)];
}

/**
 * Exponential moving average over about `span` values without the bias of its start, as training/plot.py draws it.
 * @param {(number | null)[]} values @param {number} span
 * @returns {(number | null)[]}
 */
export function smoothed(values, span) {
  const keep = 1 - 1 / Math.max(1, span);
  let [average, weight] = [0, 0];
  return values.map((value) => {
    if (value !== null) {
      average = keep * average + (1 - keep) * value;
      weight = keep * weight + (1 - keep);
    }
    return weight ? average / weight : null;
  });
}

/**
 * Indices of the values from index `from` to `to` that draw the same line on `columns` pixels: of each column the lowest
 * and the highest, so no peak is lost.
 * @param {(number | null)[]} values @param {number} from @param {number} to @param {number} columns
 * @returns {number[]}
 */
export function decimated(values, from, to, columns) {
  const count = to - from + 1;
  if (count <= 2 * columns) return Array.from({ length: Math.max(0, count) }, (_, i) => from + i);
  const kept = [from];
  for (let column = 0; column < columns; column++) {
    const [begin, end] = [from + Math.floor((column * count) / columns), from + Math.floor(((column + 1) * count) / columns)];
    let [lowest, highest] = [-1, -1];
    for (let i = begin; i < end; i++) {
      const value = values[i];
      if (value === null) continue;
      if (lowest < 0 || value < /** @type {number} */ (values[lowest])) lowest = i;
      if (highest < 0 || value > /** @type {number} */ (values[highest])) highest = i;
    }
    for (const i of lowest < highest ? [lowest, highest] : [highest, lowest]) if (i > kept[kept.length - 1]) kept.push(i);
  }
  if (kept[kept.length - 1] !== to) kept.push(to);
  return kept;
}

/**
 * The scale of the loss: all that was measured and smoothed. The losses of single steps jump ten times as far, so they
 * make the scale only where nothing else is shown, and then without the wildest.
 * @param {(number | null)[][]} courses @param {(number | null)[]} raw @param {boolean} log
 * @returns {[number, number]}
 */
export function lossRange(courses, raw, log) {
  const known = (/** @type {(number | null)[]} */ values) => /** @type {number[]} */ (values.filter((value) => value !== null));
  const ordered = known(raw).sort((a, b) => a - b);
  const values = known(courses.flat());
  if (!values.length) values.push(...ordered.slice(Math.floor(0.01 * ordered.length), Math.ceil(0.98 * ordered.length)));
  if (!values.length) return [log ? 0.01 : 0, 1];
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (log) return [Math.max(1e-6, low * 0.85), Math.max(1e-6, high) * 1.18];
  const room = 0.18 * (high - low) || 0.1 * Math.abs(high) || 1;
  return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
}

/** Which image of the dataset stands beside a prompt: the one whose caption shares most words with it.
 * @template {{caption: string}} Reference
 * @param {string} prompt @param {Reference[]} references @returns {Reference | undefined}
 */
export function nearestReference(prompt, references) {
  const wanted = new Set(wordsOf(prompt));
  let [best, score] = [references[0], -1];
  for (const reference of references) {
    const words = new Set(wordsOf(reference.caption));
    const common = [...words].filter((word) => wanted.has(word)).length;
    const share = common / Math.max(1, Math.sqrt(words.size * wanted.size));
    if (share > score) [best, score] = [reference, share];
  }
  return best;
}

/** @param {string} text */
function wordsOf(text) {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** `1:04:09`, `4:09`. @param {number} seconds */
export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** A loss or rate with as many digits as tell it from its neighbours. @param {number | null | undefined} value */
export function shortNumber(value) {
  if (value === null || value === undefined) return "–";
  return value !== 0 && Math.abs(value) < 0.001 ? value.toExponential(2) : value.toPrecision(4);
}

/** Whether `run` may be one that a node of that `name` made: the name, or the name numbered. @param {string} run @param {string} name */
export function isRunOf(run, name) {
  return run === name || (run.startsWith(`${name}_`) && /^\d{5}$/.test(run.slice(name.length + 1)));
}

/** Of the kept steps the one at `step` or nearest to it; null where none was kept. @param {number} step @param {number[]} kept */
export function nearestStep(step, kept) {
  return kept.length ? kept.reduce((best, one) => (Math.abs(one - step) < Math.abs(best - step) ? one : best)) : null;
}
