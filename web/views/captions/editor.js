/** The full-screen editor: tags at the left, pictures in the middle, the chosen one at the right. */
import { h } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import * as routes from "../../lib/routes.js";
import { Cards, PAGE } from "./cards.js";
import { inspector } from "./inspector.js";
import { keysPage, press } from "./keys.js";
import { Model } from "./model.js";
import { replaceBar } from "./replacing.js";
import { tagPane } from "./tagpane.js";
import { topBar } from "./topbar.js";

const REFRESH = 3000; // ms between looks at what others do

/**
 * Opens it over everything. Returns at once; `closed` is told when it is left.
 * @param {import("./model.js").Source} source @param {string} title @param {() => void} closed
 */
export function openEditor(source, title, closed) {
  const ending = new AbortController();
  const model = new Model(source, routes, ending.signal);
  const dialog = h("dialog", { class: "tilewright twc-editor", "aria-label": title });
  const cards = new Cards(model, (image) => zoom(model, image, dialog));
  const tags = tagPane(model);
  const detail = inspector(model);
  const between = h("div", { class: "twc-between" });
  const replace = replaceBar(model, () => toggleReplace(false));
  const close = () => dialog.close();
  const bar = topBar(model, title, { close, replace: () => toggleReplace(), help: () => toggleHelp() });
  const body = h("div", { class: "twc-body" }, tags.element, cards.element, detail.element);
  dialog.append(bar.element, between, notices(model), body);

  const toggleReplace = (on = !replace.element.isConnected) => {
    if (!model.editable) return;
    between.replaceChildren(...(on ? [replace.element] : []));
    if (on) {
      replace.preview();
      replace.focus();
    } else cards.focus();
  };
  const toggleHelp = () => {
    const help = between.querySelector(".twc-help");
    between.replaceChildren(...(help ? [] : [keysPage(shortcuts, model.editable, toggleHelp)]));
    between.querySelector("button")?.focus();
  };
  const shortcuts = shortcutsOf(model, cards, { bar, detail, close, toggleReplace, toggleHelp, dialog });

  dialog.addEventListener("keydown", (event) => {
    if (!event.defaultPrevented) press(event, shortcuts, model.editable);
    event.stopPropagation();
  });
  const orphan = (/** @type {KeyboardEvent} */ event) => {
    if (event.target instanceof Node && dialog.contains(event.target)) return;
    press(event, shortcuts, model.editable); // what had the focus is gone
    event.stopPropagation();
  };
  window.addEventListener("keydown", orphan, { capture: true, signal: ending.signal });
  for (const type of ["keyup", "keypress", "copy", "cut", "paste", "wheel", "pointerdown", "contextmenu"]) {
    dialog.addEventListener(type, (event) => event.stopPropagation());
  }
  dialog.addEventListener("cancel", (event) => event.preventDefault()); // Escape is ours: it may leave a field first
  dialog.addEventListener("close", () => {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur(); // which saves what is written
    setTimeout(() => {
      ending.abort();
      dialog.remove();
      closed();
    });
  });
  document.body.append(dialog);
  dialog.showModal();
  const timer = setInterval(() => !document.hidden && model.refresh().catch(() => {}), REFRESH);
  ending.signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  model.load().then(() => cards.focus());
  return { close, dialog, model };
}

/**
 * @param {Model} model @param {Cards} cards
 * @param {{bar: {filter: HTMLInputElement}, detail: ReturnType<typeof inspector>, close: () => void, dialog: HTMLDialogElement, toggleReplace: (on?: boolean) => void, toggleHelp: () => void}} parts
 * @returns {import("./keys.js").Shortcut[]}
 */
function shortcutsOf(model, cards, { bar, detail, close, dialog, toggleReplace, toggleHelp }) {
  const go = (/** @type {number} */ by) => cards.step(by);
  const select = (/** @type {Iterable<number>} */ images) => model.set({ selected: new Set(images) });
  const shown = () => model.state.shown.map((picture) => picture.image);
  const exclude = () => {
    const chosen = model.chosen;
    const excluded = !chosen.every((picture) => picture.excluded);
    model.change(excluded ? t("Exclude") : t("Take back in"), chosen.map((picture) => ({ picture: picture.image, excluded }))); // prettier-ignore
  };
  const untagged = () => {
    const { shown: list, current } = model.state;
    const at = list.findIndex((picture) => picture.image === current);
    const next = [...list.slice(at + 1), ...list.slice(0, at + 1)].find((picture) => !picture.text);
    if (next) model.set({ current: next.image });
  };
  return [
    { keys: "Left", label: () => t("Previous image"), act: () => go(-1) },
    { keys: "Right", label: () => t("Next image"), act: () => go(1) },
    { keys: "Up", label: () => t("Image above"), act: () => go(-cards.columns) },
    { keys: "Down", label: () => t("Image below"), act: () => go(cards.columns) },
    { keys: "Ctrl+Up", label: () => t("Previous image, also while writing"), act: () => go(-1), typing: true },
    { keys: "Ctrl+Down", label: () => t("Next image, also while writing"), act: () => go(1), typing: true },
    { keys: "PageUp", label: () => t("Previous page"), act: () => cards.turn(cards.page - 1) },
    { keys: "PageDown", label: () => t("Next page ({count} images)", { count: PAGE }), act: () => cards.turn(cards.page + 1) },
    { keys: "Ctrl+J", label: () => t("Next image without a caption"), act: untagged, typing: true },
    { keys: "Enter E", label: () => t("Write the caption; Ctrl+Enter goes on to the next"), act: () => cards.edit(model.state.current < 0 ? go(0) : model.state.current), writes: true },
    { keys: "Alt+A", label: () => t("Add a tag; Ctrl+Enter takes the first suggestion"), act: () => detail.focusTag(), typing: true, writes: true },
    { keys: "Alt+F Ctrl+F", label: () => t("Filter"), act: () => bar.filter.focus(), typing: true },
    { keys: "Ctrl+R", label: () => t("Find and replace"), act: () => toggleReplace(), typing: true, writes: true },
    { keys: "Space", label: () => t("Select or deselect"), act: () => cards.select(model.state.current, "toggle") },
    { keys: "Ctrl+A", label: () => t("Select all shown"), act: () => select(shown()) },
    { keys: "Ctrl+I", label: () => t("Invert the selection"), act: () => select(shown().filter((one) => !model.state.selected.has(one))) },
    { keys: "X Delete", label: () => t("Exclude, or take back in"), act: exclude, writes: true },
    { keys: "F", label: () => t("The image in full size"), act: () => model.state.current >= 0 && zoom(model, model.state.current, dialog) },
    { keys: "Ctrl+Z", label: () => t("Undo"), act: () => model.undo(), writes: true },
    { keys: "Ctrl+Y Ctrl+Shift+Z", label: () => t("Redo"), act: () => model.redo(), writes: true },
    { keys: "?", label: () => t("This page"), act: toggleHelp },
    { keys: "Escape", label: () => t("Deselect, then close"), act: () => (model.state.selected.size > 1 ? select([]) : close()), typing: true },
  ]; // prettier-ignore
}

/** What must be told: a filter that is none, what could not be saved, somebody else's change. @param {Model} model */
function notices(model) {
  const place = h("div", { class: "twc-notices", role: "status" });
  const show = () => {
    const { conflict, message, status } = model.state;
    const retry = status === "failed" && h("button", { onclick: () => model.load() }, t("Try again"));
    place.replaceChildren(
      ...[conflict && conflictNotice(model, conflict), message && h("div", { class: "twc-notice" }, h("span", { class: "tw-grow" }, message), retry)].filter((one) => one instanceof Node),
    );
  };
  model.on((_, changed) => (changed.has("conflict") || changed.has("message") || changed.has("status")) && show(), model.signal);
  return place;
}

/** @param {Model} model @param {import("./model.js").Conflict} conflict */
function conflictNotice(model, { mine }) {
  const [first] = mine;
  const picture = model.picture(first.picture);
  const single = mine.length === 1 && typeof first.caption === "string";
  return h(
    "div",
    { class: "twc-notice twc-both", role: "alertdialog", "aria-label": t("Changed meanwhile") },
    h("div", { class: "tw-grow" },
      h("b", {}, t("{name} was changed elsewhere meanwhile. Nothing was overwritten.", { name: picture.name })),
      single && h("div", {}, t("Yours:"), h("q", {}, String(first.caption))),
      single && h("div", {}, t("Now:"), h("q", {}, picture.text || t("no caption"))),
      !single && h("div", {}, t("Your change of {count} image was not made. | Your change of {count} images was not made.", { count: mine.length })),
    ),
    h("button", { onclick: () => model.settle(true) }, single ? t("Use mine") : t("Change them all the same")),
    h("button", { onclick: () => model.settle(false) }, single ? t("Keep what is there") : t("Leave them")),
  ); // prettier-ignore
}

/** The picture over everything; any key or click takes it away. @param {Model} model @param {number} image @param {HTMLElement} dialog */
function zoom(model, image, dialog) {
  const picture = model.picture(image);
  const source = routes.pictureAddress(model.source, picture, "large");
  const over = h("button", { class: "twc-zoom", "aria-label": t("Close"), title: picture.name }, h("img", { src: source, alt: picture.text || picture.name }));
  const end = () => over.remove();
  over.addEventListener("click", end);
  over.addEventListener("keydown", (event) => {
    event.preventDefault();
    event.stopPropagation();
    end();
  });
  dialog.append(over);
  over.focus();
}

