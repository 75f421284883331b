/** The editor's keys, and the page that tells them. */
import { h } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";

/** @typedef {{keys: string, label: () => string, act: () => void, typing?: boolean, writes?: boolean}} Shortcut */

/** How an event would be written: "Ctrl+Shift+Z". @param {KeyboardEvent} event */
export function nameOf(event) {
  const control = event.ctrlKey || event.metaKey;
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key.replace("Arrow", "");
  const shift = event.shiftKey && (event.key.length > 1 || control);
  return [control && "Ctrl", event.altKey && "Alt", shift && "Shift", key === " " ? "Space" : key].filter(Boolean).join("+");
}

/** Whether the person is writing. @param {EventTarget | null} target */
export function isTyping(target) {
  return target instanceof HTMLElement && target.matches("textarea, select, input:not([type='checkbox'])");
}

/** @param {KeyboardEvent} event @param {Shortcut[]} shortcuts @param {boolean} editable */
export function press(event, shortcuts, editable) {
  const name = nameOf(event);
  const typing = isTyping(event.target);
  const found = shortcuts.find(({ keys, typing: also, writes }) => keys.split(" ").includes(name) && (!typing || also) && (editable || !writes));
  if (!found) return false;
  event.preventDefault();
  found.act();
  return true;
}

/** @param {Shortcut[]} shortcuts @param {boolean} editable @param {() => void} close */
export function keysPage(shortcuts, editable, close) {
  const rows = shortcuts.filter(({ writes }) => editable || !writes).map(({ keys, label }) => h("div", {}, h("dt", {}, ...keys.split(" ").slice(0, 2).flatMap((one, i) => [i ? " " : "", h("kbd", {}, one)])), h("dd", {}, label())));
  const filters = [
    ["brick wall", t("captions with both words; “red wall” for the two together")],
    ['tag:"worn edges"', t("captions with that whole tag; * stands for anything")],
    ["tokens>75", t("also tags, width and height, with > < =")],
    ["map:normal material:oak*", t("by map, material or name:")],
    ["excluded, edited, changed, empty, cut", t("by state; also seam, duplicate, blank, unfit")],
    ["a or b, not a, -a, (…)", t("combined")],
  ];
  return h(
    "section",
    { class: "twc-help", "aria-label": t("Keys and filters") },
    h("div", { class: "tw-row" }, h("h2", { class: "tw-grow" }, t("Keys")), h("button", { onclick: close }, t("Close"))),
    h("dl", {}, ...rows),
    h("h2", {}, t("Filter")),
    h("dl", { class: "twc-wide" }, ...filters.map(([words, what]) => h("div", {}, h("dt", {}, h("code", {}, words)), h("dd", {}, what)))),
  );
}
