/** What a dataset or caption node gives out, to be looked at: the first pictures with their captions, and all of them at a key. */
import { h } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import { head, mountSummary, note, signBar, thumbnail, total } from "./node.js";

/** @typedef {import("../../lib/comfy.js").NodeView} NodeView */
/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./model.js").Picture} Picture */
/** @typedef {{name: string, listing: string, images: number}} Part what the node tells of a dataset (host/edit_sets.py) */

const OUTPUT = "tilewright_datasets";
const SHEET = 36; // pictures, of which those are seen for which the node has room

/** @type {Record<string, () => string>} */
const NAMES = {
  dataset: () => t("images"),
  kept: () => t("kept"),
  rejected: () => t("rejected"),
  train: () => t("train"),
  validation: () => t("validation"),
};

/** @type {import("../../lib/comfy.js").ViewKind} */
export const datasetPreview = {
  name: "dataset_preview",
  nodes: ["TilewrightSaveDataset"],
  output: "TEXTURE_DATASET",
  except: ["TilewrightEditCaptions"], // which has the editor
  height: 172,
  width: 340,
  mount(view) {
    /** @type {Part[]} */
    let parts = [];
    let chosen = 0;
    const source = () => (parts[chosen] ? { listing: parts[chosen].listing } : null);
    const choose = (/** @type {number} */ index) => {
      chosen = index;
      keep();
      show();
    };
    const keep = () => view.remember({ parts, chosen });
    const summary = (/** @type {Model} */ model, /** @type {() => void} */ open) => [
      head(model, open, parts.length > 1 ? tabs(parts, chosen, choose) : total(model), signBar(model)),
      sheet(model, open),
    ];
    const recall = () => {
      const kept = view.remembered;
      if (parts.length || !kept?.parts?.length) return;
      ({ parts, chosen } = kept);
      show();
    };
    const show = mountSummary(view, source, summary);
    recall();
    return {
      values: recall,
      output(output) {
        const told = /** @type {Part[] | undefined} */ (output[OUTPUT]);
        if (!told?.length) return;
        parts = told;
        chosen = Math.min(chosen, parts.length - 1);
        keep();
        show();
      },
    };
  },
};

/** @param {Part[]} parts @param {number} chosen @param {(index: number) => void} choose */
function tabs(parts, chosen, choose) {
  const label = (/** @type {Part} */ { name, images }) => `${NAMES[name]?.() ?? name} ${images}`;
  return h("div", { class: "twc-parts", role: "group", "aria-label": t("Which images") }, ...parts.map((part, index) =>
    h("button", { "aria-pressed": String(index === chosen), onclick: () => choose(index) }, label(part)))); // prettier-ignore
}

/** @param {Model} model @param {() => void} open */
function sheet(model, open) {
  const { pictures } = model.state;
  if (!pictures.length) return note(t("No images."));
  return h("div", { class: "twc-sheet" }, ...pictures.slice(0, SHEET).map((picture) => {
    const [reason] = picture.reasons;
    const words = reason ? h("figcaption", { class: "twc-reason", title: reason }, reason) : h("figcaption", { class: picture.text ? "" : "tw-quiet", title: picture.text }, picture.text || t("No caption yet"));
    return h("figure", {}, thumbnail(model, picture, open), words);
  })); // prettier-ignore
}
