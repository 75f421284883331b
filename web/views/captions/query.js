/**
 * The language of the filter: `tag:brick tokens>75 not (map:normal or excluded) "red wall"`. Knows no DOM.
 *
 * Words and "phrases" are looked for in the caption. `and` may be left out; `-` is short for `not`; `*` stands for anything.
 */

import { t } from "../../lib/i18n.js";

/** @typedef {import("./model.js").Picture} Picture */
/** @typedef {(picture: Picture) => boolean} Test */

/** A filter that cannot be understood, with where. */
export class QueryError extends Error {
  /** @param {string} message @param {number} at letter */
  constructor(message, at) {
    super(message);
    this.at = at;
  }
}

/** @type {Record<string, (picture: Picture) => string | readonly string[]>} */
const TEXTS = {
  caption: (picture) => picture.text,
  name: (picture) => picture.name,
  map: (picture) => picture.map,
  material: (picture) => picture.material,
  badge: (picture) => picture.signs,
};

/** @type {Record<string, (picture: Picture) => number>} */
const NUMBERS = {
  tokens: (picture) => picture.tokens,
  tags: (picture) => picture.tags.length,
  width: (picture) => picture.size[0],
  height: (picture) => picture.size[1],
};

/** @type {Record<string, Test>} */
const FLAGS = {
  excluded: (picture) => picture.excluded,
  edited: (picture) => picture.signs.includes("edited"),
  changed: (picture) => picture.overtaken,
  empty: (picture) => !picture.text,
  cut: (picture) => picture.signs.includes("cut"),
  seam: (picture) => picture.signs.includes("seam"),
  duplicate: (picture) => picture.signs.includes("duplicate"),
  blank: (picture) => picture.signs.includes("blank"),
  unfit: (picture) => picture.signs.includes("unfit"),
  regularisation: (picture) => picture.regularisation,
};

/** What may stand before ":" and alone, for help and completion. */
export const WORDS = { texts: ["caption", "tag", "name", "map", "material", "badge"], numbers: Object.keys(NUMBERS), flags: Object.keys(FLAGS) };

/**
 * @param {string} query
 * @returns {Test}
 */
export function parseQuery(query) {
  const tokens = tokenise(query);
  if (!tokens.length) return () => true;
  const parser = new Parser(tokens, query.length);
  const test = parser.any();
  if (parser.next) throw new QueryError(t("“{text}” has no partner", { text: parser.next.text }), parser.next.at);
  return test;
}

/** @typedef {{kind: "(" | ")" | "word" | "minus", text: string, at: number, quoted: boolean}} Token */

/** @param {string} query @returns {Token[]} */
function tokenise(query) {
  const found = [];
  const pattern = /\s*(?:([()])|(-)(?=\S)|((?:[^\s()":]+:|[^\s()":<>=]+(?:[<>]=?|=))?"(?:[^"]*)("?)|[^\s()"]+))/gy;
  pattern.lastIndex = 0;
  for (let match = pattern.exec(query); match; match = pattern.exec(query)) {
    const [whole, bracket, minus, word, closing] = match;
    const at = match.index + whole.length - whole.trimStart().length;
    if (word?.includes('"') && closing === "") throw new QueryError(t("The quotation mark has no partner"), at);
    if (bracket) found.push({ kind: /** @type {"(" | ")"} */ (bracket), text: bracket, at, quoted: false });
    else if (minus) found.push({ kind: /** @type {const} */ ("minus"), text: "-", at, quoted: false });
    else found.push({ kind: /** @type {const} */ ("word"), text: word.replaceAll('"', ""), at, quoted: word.includes('"') });
  }
  return found;
}

class Parser {
  /** @param {Token[]} tokens @param {number} end */
  constructor(tokens, end) {
    this.tokens = tokens;
    this.end = end;
    this.position = 0;
  }

  /** @returns {Token | undefined} */
  get next() {
    return this.tokens[this.position];
  }

  /** @param {string} word */
  #takes(word) {
    const { next } = this;
    const is = next?.kind === "word" && !next.quoted && next.text.toLowerCase() === word;
    if (is) this.position += 1;
    return is;
  }

  /** @returns {Test} */
  any() {
    const tests = [this.all()];
    while (this.#takes("or")) tests.push(this.all());
    return tests.length === 1 ? tests[0] : (picture) => tests.some((test) => test(picture));
  }

  /** @returns {Test} */
  all() {
    const tests = [this.one()];
    while (this.next && this.next.kind !== ")" && !this.#isOr()) {
      this.#takes("and");
      tests.push(this.one());
    }
    return tests.length === 1 ? tests[0] : (picture) => tests.every((test) => test(picture));
  }

  #isOr() {
    return this.next?.kind === "word" && !this.next.quoted && this.next.text.toLowerCase() === "or";
  }

  /** @returns {Test} */
  one() {
    if (this.#takes("not") || this.next?.kind === "minus") {
      if (this.next?.kind === "minus") this.position += 1;
      const test = this.one();
      return (picture) => !test(picture);
    }
    const token = this.next;
    if (!token || token.kind === ")") throw new QueryError(t("Something is missing here"), token?.at ?? this.end);
    this.position += 1;
    if (token.kind !== "(") return term(token);
    const test = this.any();
    if (this.next?.kind !== ")") throw new QueryError(t("The bracket has no partner"), token.at);
    this.position += 1;
    return test;
  }
}

/** @param {Token} token @returns {Test} */
function term(token) {
  const { text, at, quoted } = token;
  const number = /^(\w+):?(>=|<=|>|<|=)(.*)$/.exec(text);
  if (number && number[1].toLowerCase() in NUMBERS) return compared(number[1].toLowerCase(), number[2], number[3], at);
  const named = /^(\w+):(.*)$/.exec(text);
  const key = named?.[1].toLowerCase() ?? "";
  if (named && key in NUMBERS) return compared(key, "=", named[2], at);
  if (named && (key === "tag" || key in TEXTS)) {
    if (!named[2]) throw new QueryError(t("Say what follows “{key}:”", { key }), at);
    return key === "tag" ? tagged(named[2]) : holds(TEXTS[key], named[2], key === "map" || key === "badge");
  }
  if (!quoted && Object.hasOwn(FLAGS, text.toLowerCase())) return FLAGS[text.toLowerCase()];
  return holds(TEXTS.caption, text, false);
}

/** @param {string} key @param {string} operator @param {string} told @param {number} at @returns {Test} */
function compared(key, operator, told, at) {
  const value = Number(told);
  if (told === "" || !Number.isFinite(value)) throw new QueryError(t("“{text}” is no number", { text: told }), at);
  const read = NUMBERS[key];
  /** @type {Record<string, Test>} */
  const tests = {
    ">": (picture) => read(picture) > value,
    "<": (picture) => read(picture) < value,
    ">=": (picture) => read(picture) >= value,
    "<=": (picture) => read(picture) <= value,
    "=": (picture) => read(picture) === value,
  };
  return tests[operator];
}

/** A whole tag. @param {string} wanted @returns {Test} */
function tagged(wanted) {
  const pattern = wildcard(wanted, true);
  return (picture) => picture.tags.some((tag) => pattern.test(tag));
}

/** @param {(picture: Picture) => string | readonly string[]} read @param {string} wanted @param {boolean} whole @returns {Test} */
function holds(read, wanted, whole) {
  const pattern = wildcard(wanted, whole);
  return (picture) => {
    const value = read(picture);
    return typeof value === "string" ? pattern.test(value) : value.some((one) => pattern.test(one));
  };
}

/** @param {string} wanted @param {boolean} whole */
function wildcard(wanted, whole) {
  const parts = wanted.split("*").map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&"));
  const body = parts.join(".*");
  return new RegExp(whole ? `^${body}$` : body, "iu");
}
