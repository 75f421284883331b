/** The view in a node: how many images, what is to be said of them, the first pictures, and the way to all of them. */
import { h, loadStyles } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import * as routes from "../../lib/routes.js";
import { countSigns } from "./badges.js";
import { openEditor } from "./editor.js";
import { Model } from "./model.js";

/** @typedef {import("../../lib/comfy.js").NodeView} NodeView */
/** @typedef {import("./model.js").Source} Source */
/** @typedef {import("./model.js").Picture} Picture */

const TAGS = 6;
const THUMBS = 12;
const STYLES = "views/captions/captions.css";

/** Edit Captions: the dataset under the name in its `edits` widget. */
export const editCaptions = {
  name: "captions",
  nodes: ["TilewrightEditCaptions"],
  height: 264,
  width: 380,
  /** @param {NodeView} view */
  mount(view) {
    const source = () => {
      const edits = String(view.value("edits") ?? "").trim();
      return edits ? { edits } : null;
    };
    const show = mountSummary(view, source, (model, open) => [head(model, open, total(model)), signBar(model), tagBars(model), strip(model, open)]);
    return { output: () => show(true), values: () => show() };
  },
};

/**
 * Shows a dataset in short, and whole over the window at a key. Returns what shows it when there is another one; `again` also
 * where it is of the same name.
 * @param {NodeView} view @param {() => Source | null} sourceOf
 * @param {(model: Model, open: () => void) => (Node | string | false)[]} summary
 */
export function mountSummary(view, sourceOf, summary) {
  loadStyles(STYLES);
  let shown = "";
  let loading = new AbortController();
  const open = () => {
    const source = sourceOf();
    if (source) openEditor(source, "edits" in source ? source.edits : view.node.title, () => (view.signal.aborted ? undefined : show(true)));
  };
  const show = async (again = false) => {
    const source = sourceOf();
    const key = JSON.stringify(source);
    if (!again && key === shown) return;
    shown = key;
    loading.abort();
    loading = new AbortController();
    const signal = AbortSignal.any([loading.signal, view.signal]);
    if (!source) return view.root.replaceChildren(notRun());
    const model = new Model(source, routes, signal);
    await model.load();
    if (signal.aborted) return;
    const { status, message } = model.state;
    if (status !== "ready") shown = ""; // it is asked for again when it may be there
    const parts = status === "ready" ? summary(model, open) : [status === "missing" ? notRun() : note(message)];
    view.root.replaceChildren(...parts.filter((part) => part !== false));
  };
  view.root.addEventListener(
    "keydown",
    (event) => {
      if (event.target !== view.root || !["f", "F", "Enter"].includes(event.key) || event.ctrlKey) return;
      event.preventDefault(); // or the letter would be written into the editor
      open();
    },
    { signal: view.signal },
  );
  view.root.replaceChildren(notRun());
  show();
  return show;
}

function notRun() {
  return note(t("Run the node to see its images here."));
}

/** @param {string} message */
export function note(message) {
  return h("div", { class: "tw-empty" }, message);
}

/** @param {Model} model */
export function total(model) {
  return h("span", { class: "tw-title" }, t("{count} image | {count} images", { count: model.state.pictures.length }));
}

/** @param {Model} model @param {() => void} open @param {Node[]} what stands at the left */
export function head(model, open, ...what) {
  const label = model.editable ? t("Edit captions") : t("View all");
  const button = h("button", { class: model.editable ? "tw-main" : "", title: t("Full screen (F)"), onclick: open }, label);
  return h("div", { class: "tw-row" }, h("div", { class: "tw-grow twc-headline" }, ...what), button);
}

/** How many pictures each sign is on. A dataset without any caption is no mistake: its captions come later. @param {Model} model */
export function signBar(model) {
  const { pictures } = model.state;
  const signs = countSigns(pictures).filter(({ sign, count }) => sign !== "empty" || count < pictures.length);
  return h("div", { class: "twc-signbar" }, ...signs.map(({ label, kind, count }) => h("span", { class: `tw-badge ${kind}` }, `${label} ${count}`)));
}

/** @param {Model} model */
function tagBars(model) {
  const { pictures } = model.state;
  return h("div", { class: "twc-mini" }, ...model.tagCounts.slice(0, TAGS).map(({ tag, count }) =>
    h("div", { class: "twc-minitag", title: `${tag}: ${count}` },
      h("span", { class: "twc-bar", style: { inlineSize: `${(100 * count) / pictures.length}%` } }),
      h("span", { class: "twc-tagname" }, tag), h("span", { class: "twc-count tw-number" }, count)))); // prettier-ignore
}

/** @param {Model} model @param {() => void} open */
function strip(model, open) {
  return h("div", { class: "twc-strip" }, ...model.state.pictures.slice(0, THUMBS).map((picture) => thumbnail(model, picture, open)));
}

/** @param {Model} model @param {Picture} picture @param {() => void} onclick */
export function thumbnail(model, picture, onclick) {
  const words = picture.text || picture.name;
  return h("img", { src: routes.pictureAddress(model.source, picture), alt: words, title: words, loading: "lazy", class: picture.excluded ? "twc-excluded" : "", onclick });
}
