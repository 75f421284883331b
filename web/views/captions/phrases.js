/** Captions as lists of tags, and what is done to many at once. Knows no DOM. */

/** The phrases between commas, without empty ones and superfluous spaces. @param {string} caption */
export function splitTags(caption) {
  return caption
    .split(",")
    .map((tag) => tag.trim().replace(/\s+/g, " "))
    .filter(Boolean);
}

/** @param {string} text */
export function tidy(text) {
  return text.trim().replace(/\s+/g, " ");
}

/** Whether two tags are one: case does not count. @param {string} a @param {string} b */
export function sameTag(a, b) {
  return a.toLowerCase() === b.toLowerCase();
}

/** The caption with a tag at its end or beginning; as it is where it holds the tag. @param {string} caption @param {string} tag @param {boolean} first */
export function withTag(caption, tag, first = false) {
  const tags = splitTags(caption);
  const added = splitTags(tag).filter((one) => !tags.some((own) => sameTag(own, one)));
  if (!added.length) return caption;
  return (first ? [...added, ...tags] : [...tags, ...added]).join(", ");
}

/** The caption without a tag; as it is where it does not hold it. @param {string} caption @param {string} tag */
export function withoutTag(caption, tag) {
  const tags = splitTags(caption);
  const kept = tags.filter((own) => !sameTag(own, tag));
  return kept.length === tags.length ? caption : kept.join(", ");
}

/** The caption with a tag renamed in its place; once, where it held both. @param {string} caption @param {string} tag @param {string} name */
export function renamedTag(caption, tag, name) {
  const tags = splitTags(caption);
  if (!tags.some((own) => sameTag(own, tag))) return caption;
  /** @type {string[]} */
  const renamed = [];
  for (const own of tags) {
    const now = sameTag(own, tag) ? tidy(name) : own;
    if (now && !renamed.some((one) => sameTag(one, now))) renamed.push(now);
  }
  return renamed.join(", ");
}

/** @typedef {{find: string, by: string, words: boolean, cased: boolean, pattern: boolean}} Replacing */

/**
 * A function from caption to caption. Raises `SyntaxError` for a pattern that is none.
 * @param {Replacing} replacing words: whole words only; pattern: `find` is a regular expression
 * @returns {(caption: string) => string}
 */
export function replacer({ find, by, words, cased, pattern }) {
  if (!find) return (caption) => caption;
  const body = pattern ? find : find.replace(/[\\^$.|?*+()[\]{}]/g, "\\$&");
  const bounded = words ? `(?<![\\p{L}\\p{N}_])(?:${body})(?![\\p{L}\\p{N}_])` : body;
  const expression = new RegExp(bounded, cased ? "gu" : "giu");
  const put = pattern ? by : by.replaceAll("$", "$$$$");
  return (caption) => {
    const replaced = caption.replace(expression, put);
    return replaced === caption ? caption : tidy(tidyCommas(replaced));
  };
}

/** What was taken out leaves no empty tags. @param {string} caption */
function tidyCommas(caption) {
  return /(^|,)\s*(,|$)/.test(caption) ? splitTags(caption).join(", ") : caption;
}

/** Of each list of tags, which is never changed: every tag once, with what it is compared by. @type {WeakMap<readonly string[], [string, string][]>} */
const KEYED = new WeakMap();

/** @param {readonly string[]} tags */
function keyed(tags) {
  const known = KEYED.get(tags);
  if (known) return known;
  const found = [...new Map([...tags].reverse().map((tag) => [tag.toLowerCase(), tag]))].reverse();
  const made = /** @type {[string, string][]} */ (found);
  KEYED.set(tags, made);
  return made;
}

/**
 * How many captions hold each tag, the commonest first; the first spelling met is shown.
 * @param {Iterable<{tags: readonly string[]}>} pictures
 * @returns {{tag: string, count: number}[]}
 */
export function countTags(pictures) {
  /** @type {Map<string, {tag: string, count: number}>} */
  const counts = new Map();
  for (const { tags } of pictures) {
    for (const [key, tag] of keyed(tags)) {
      const known = counts.get(key);
      if (known) known.count += 1;
      else counts.set(key, { tag, count: 1 });
    }
  }
  return [...counts.values()].sort((a, b) => b.count - a.count || (a.tag < b.tag ? -1 : 1));
}

/** Tags that go on from what was typed: those that begin so, then those that hold it. @param {{tag: string}[]} counted @param {string} typed @param {number} most */
export function suggestions(counted, typed, most = 8) {
  const wanted = typed.trim().toLowerCase();
  if (!wanted) return [];
  const begins = counted.filter(({ tag }) => tag.toLowerCase().startsWith(wanted));
  const inside = counted.filter(({ tag }) => tag.toLowerCase().indexOf(wanted) > 0);
  return [...begins, ...inside].slice(0, most).map(({ tag }) => tag);
}
