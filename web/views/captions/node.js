/** The view in the node: how many images, the commonest tags, the first pictures, and the way into the editor. */
import { h, loadStyles } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import * as routes from "../../lib/routes.js";
import { countSigns } from "./badges.js";
import { openEditor } from "./editor.js";
import { Model } from "./model.js";

/** @typedef {import("../../lib/comfy.js").NodeView} NodeView */
/** @typedef {import("./model.js").Source} Source */

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
    const source = () => ({ edits: String(view.value("edits") ?? "").trim() });
    return mountPreview(view, source, t("Run the node to see its images here."));
  },
};

/** @param {NodeView} view @param {() => Source | null} sourceOf @param {string} empty */
function mountPreview(view, sourceOf, empty) {
  loadStyles(STYLES);
  let shown = "";
  let loading = new AbortController();
  const open = () => {
    const source = sourceOf();
    if (source) openEditor(source, titleOf(view, source), () => (view.signal.aborted ? undefined : show(true)));
  };
  const show = async (again = false) => {
    const source = sourceOf();
    const key = JSON.stringify(source);
    if (!again && key === shown) return;
    shown = key;
    loading.abort();
    loading = new AbortController();
    const signal = AbortSignal.any([loading.signal, view.signal]);
    const name = source && Object.values(source)[0];
    if (!source || !name) return view.root.replaceChildren(emptyNote(empty));
    const model = new Model(source, routes, signal);
    await model.load();
    if (signal.aborted) return;
    const { status, message } = model.state;
    view.root.replaceChildren(...(status === "ready" ? summary(model, open) : [emptyNote(status === "missing" ? empty : message)]));
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
  view.root.replaceChildren(emptyNote(empty));
  show();
  return { output: () => show(true), values: () => show() };
}

/** @param {NodeView} view @param {Source} source */
function titleOf(view, source) {
  return "edits" in source ? source.edits : view.node.title;
}

/** @param {string} message */
function emptyNote(message) {
  return h("div", { class: "tw-empty" }, message);
}

/** @param {Model} model @param {() => void} open */
function summary(model, open) {
  const { pictures } = model.state;
  const label = model.editable ? t("Edit captions") : t("View all");
  const tags = model.tagCounts.slice(0, TAGS);
  return [
    h("div", { class: "tw-row" },
      h("div", { class: "tw-grow" }, h("span", { class: "tw-title" }, t("{count} images", { count: pictures.length }))),
      h("button", { class: "tw-main", title: t("Full screen (F)"), onclick: open }, label),
    ),
    h("div", { class: "twc-signbar" }, ...countSigns(pictures).map(({ label: sign, kind, count }) => h("span", { class: `tw-badge ${kind}` }, `${sign} ${count}`))),
    h("div", { class: "twc-mini" }, ...tags.map(({ tag, count }) =>
      h("div", { class: "twc-minitag", title: `${tag}: ${count}` },
        h("span", { class: "twc-bar", style: { inlineSize: `${(100 * count) / pictures.length}%` } }),
        h("span", { class: "twc-tagname" }, tag), h("span", { class: "twc-count tw-number" }, count)))),
    h("div", { class: "twc-strip" }, ...pictures.slice(0, THUMBS).map((picture) =>
      h("img", { src: routes.pictureAddress(model.source, picture), alt: picture.text || picture.name, title: picture.text || picture.name, loading: "lazy", class: picture.excluded ? "twc-excluded" : "", onclick: open }))),
  ]; // prettier-ignore
}
