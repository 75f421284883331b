/** All tags of what is shown, with how many captions hold each: click to filter, rename, remove, add to the selection. */
import { debounced, h } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import { countSigns } from "./badges.js";
import { renamedTag, sameTag, withTag, withoutTag } from "./phrases.js";

/** @typedef {import("./model.js").Model} Model */

const MOST = 250; // rows that are drawn; the search finds the others

/** @param {Model} model */
export function tagPane(model) {
  let sort = "count";
  const search = h("input", { type: "search", placeholder: t("Find a tag"), "aria-label": t("Find a tag"), class: "tw-grow" });
  const order = h(
    "select",
    { "aria-label": t("Order of the tags") },
    h("option", { value: "count" }, t("Count")),
    h("option", { value: "name" }, t("A–Z")),
  );
  const signs = h("div", { class: "twc-signbar" });
  const list = h("ul", { class: "twc-tags", "data-capture-wheel": "true" });
  const heading = h("div", { class: "tw-title" }, t("Tags"));
  const pane = h("aside", { class: "twc-pane twc-left", "aria-label": t("Tags") }, signs, heading, h("div", { class: "tw-row" }, search, order), list);

  /** @type {Map<string, HTMLElement>} what it says -> the row */
  let rows = new Map();
  const show = () => {
    const { pictures, shown, query } = model.state;
    signs.replaceChildren(...countSigns(pictures).map((sign) => signButton(model, sign)));
    const wanted = search.value.trim().toLowerCase();
    const counted = model.tagCounts;
    const found = wanted ? counted.filter(({ tag }) => tag.toLowerCase().includes(wanted)) : counted;
    const sorted = sort === "name" ? [...found].sort((a, b) => a.tag.localeCompare(b.tag)) : found;
    heading.textContent = t("{count} tag | {count} tags", { count: counted.length });
    const before = rows;
    rows = new Map();
    for (const { tag, count } of sorted.slice(0, MOST)) {
      const filtered = isFiltered(query, tag);
      const says = JSON.stringify([tag, count, shown.length, filtered]);
      rows.set(says, before.get(says) ?? row(model, tag, count, shown.length, filtered)); // a change is of few tags
    }
    list.replaceChildren(
      ...rows.values(),
      sorted.length > MOST ? h("li", { class: "tw-quiet" }, t("{count} more: search for them", { count: sorted.length - MOST })) : "",
    );
  };
  const soon = debounced(show, 60, model.signal);
  search.addEventListener("input", show);
  order.addEventListener("change", () => {
    sort = order.value;
    show();
  });
  model.on((_, changed) => (changed.has("shown") || changed.has("pictures")) && soon(), model.signal);
  show();
  return { element: pane, search };
}

/** @param {string} tag */
function term(tag) {
  return `tag:"${tag.replaceAll('"', "*")}"`;
}

/** @param {string} query @param {string} tag */
function isFiltered(query, tag) {
  return query.includes(term(tag));
}

/** Puts a term into the filter, or takes it out. @param {Model} model @param {string} part */
export function toggleTerm(model, part) {
  const { query } = model.state;
  model.filter((query.includes(part) ? query.replace(`-${part}`, "").replace(part, "") : `${query} ${part}`).trim().replace(/\s+/g, " "));
}

/** @param {Model} model @param {{sign: string, label: string, kind: string, count: number}} sign */
function signButton(model, { sign, label, kind, count }) {
  const part = `badge:${sign}`;
  const pressed = String(model.state.query.includes(part));
  return h("button", { class: `tw-badge ${kind}`, "aria-pressed": pressed, onclick: () => toggleTerm(model, part) }, `${label} ${count}`);
}

/** @param {Model} model @param {string} tag @param {number} count @param {number} total @param {boolean} filtered */
function row(model, tag, count, total, filtered) {
  const name = h(
    "button",
    {
      class: "twc-tag",
      "aria-pressed": String(filtered),
      title: t("Show the images with this tag; Alt+click: those without"),
      onclick: (/** @type {MouseEvent} */ event) => toggleTerm(model, (event.altKey ? "-" : "") + term(tag)),
      onkeydown: (/** @type {KeyboardEvent} */ event) => keys(event, model, tag, element),
    },
    h("span", { class: "twc-bar", style: { inlineSize: `${(100 * count) / Math.max(1, total)}%` }, "aria-hidden": "true" }),
    h("span", { class: "twc-tagname" }, tag),
    h("span", { class: "twc-count tw-number" }, count),
  );
  const element = h("li", {}, name, model.editable && tools(model, tag, () => rename(model, tag, element)));
  return element;
}

/** @param {Model} model @param {string} tag @param {() => void} startRenaming */
function tools(model, tag, startRenaming) {
  const tool = (/** @type {string} */ sign, /** @type {string} */ title, /** @type {() => void} */ act) =>
    h("button", { class: "tw-plain", tabindex: "-1", title, "aria-label": `${title}: ${tag}`, onclick: act }, sign);
  return h(
    "span",
    { class: "twc-tools" },
    tool("+", t("Add to the selected images"), () => addTag(model, tag)),
    tool("−", t("Take from the selected images"), () => removeTag(model, tag)),
    tool("✎", t("Rename in all shown (F2)"), startRenaming),
    tool("✕", t("Remove from all shown (Del)"), () => removeEverywhere(model, tag)),
  );
}

/** @param {KeyboardEvent} event @param {Model} model @param {string} tag @param {HTMLElement} element */
function keys(event, model, tag, element) {
  const beside = { ArrowDown: element.nextElementSibling, ArrowUp: element.previousElementSibling }[event.key];
  if (beside) beside.querySelector("button")?.focus();
  else if (event.key === "F2" && model.editable) rename(model, tag, element);
  else if (event.key === "Delete" && model.editable) removeEverywhere(model, tag);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** @param {Model} model @param {string} tag @param {HTMLElement} element */
function rename(model, tag, element) {
  const field = h("input", { type: "text", value: tag, "aria-label": t("New name of {tag}", { tag }) });
  const before = [...element.childNodes];
  const end = () => element.contains(field) && element.replaceChildren(...before);
  field.addEventListener("blur", end);
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") event.preventDefault();
    if (event.key === "Enter" && field.value.trim() && !(field.value === tag)) {
      const name = field.value;
      model.rewrite(t("Rename “{tag}” to “{name}”", { tag, name }), holders(model, tag), (picture) => renamedTag(picture.text, tag, name));
    }
    if (event.key === "Enter" || event.key === "Escape") end();
  });
  element.replaceChildren(field);
  field.focus();
  field.select();
}

/** @param {Model} model @param {string} tag */
function holders(model, tag) {
  return model.state.shown.filter((picture) => picture.tags.some((own) => sameTag(own, tag)));
}

/** @param {Model} model @param {string} tag */
function removeEverywhere(model, tag) {
  return model.rewrite(t("Remove “{tag}”", { tag }), holders(model, tag), (picture) => withoutTag(picture.text, tag));
}

/** To what is selected, or the current image. @param {Model} model @param {string} tag */
export function addTag(model, tag) {
  return model.rewrite(t("Add “{tag}”", { tag }), model.chosen, (picture) => withTag(picture.text, tag));
}

/** @param {Model} model @param {string} tag */
export function removeTag(model, tag) {
  return model.rewrite(t("Take out “{tag}”", { tag }), model.chosen, (picture) => withoutTag(picture.text, tag));
}
