/** The editor's head: what is open, the filter, undo, and the ways out. */
import { debounced, h } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";

/** @typedef {import("./model.js").Model} Model */

/** @param {Model} model @param {string} title @param {{close: () => void, replace: () => void, help: () => void}} acts */
export function topBar(model, title, { close, replace, help }) {
  const told = h("span", { class: "tw-quiet tw-number", role: "status" });
  const mistake = h("span", { class: "twc-mistake", role: "status" });
  const filter = h("input", { type: "search", class: "twc-filter", placeholder: t("Filter: words, tag:brick, tokens>75, excluded …"), "aria-label": t("Filter"), spellcheck: "false" });
  const order = h("select", { "aria-label": t("Order of the images"), onchange: () => model.sort(order.value) },
    h("option", { value: "dataset" }, t("As in the dataset")),
    h("option", { value: "name" }, t("By name")),
    h("option", { value: "material" }, t("By material")),
    h("option", { value: "tokens" }, t("Longest caption first")),
  ); // prettier-ignore
  const undo = h("button", { "aria-label": t("Undo"), onclick: () => model.undo() }, "↶");
  const redo = h("button", { "aria-label": t("Redo"), onclick: () => model.redo() }, "↷");
  const element = h("header", { class: "twc-top tw-row" },
    h("div", { class: "twc-title" }, h("div", { class: "tw-title" }, title), told),
    h("div", { class: "tw-grow twc-filterbox" }, filter, mistake),
    order,
    model.editable && [undo, redo, h("button", { title: "Ctrl+R", onclick: replace }, t("Replace…"))],
    h("button", { "aria-label": t("Keys and filters"), title: t("Keys and filters (?)"), onclick: help }, "?"),
    h("button", { class: "tw-main", title: t("Close (Esc)"), onclick: close }, t("Done")),
  ); // prettier-ignore

  const soon = debounced((/** @type {string} */ query) => model.filter(query), 120, model.signal);
  filter.addEventListener("input", () => soon(filter.value));
  filter.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && filter.value) {
      event.preventDefault();
      event.stopPropagation();
      model.filter("");
    }
  });
  const show = () => {
    const { pictures, shown, selected, query, mistake: wrong, done, undone, saving, status } = model.state;
    const excluded = pictures.filter((picture) => picture.excluded).length;
    const edited = pictures.filter((picture) => picture.edited).length;
    const parts = [
      selected.size > 1 && t("{count} selected", { count: selected.size }),
      shown.length === pictures.length ? t("{count} image | {count} images", { count: pictures.length }) : t("{shown} of {count} images", { shown: shown.length, count: pictures.length }),
      edited && t("{count} edited", { count: edited }),
      excluded && t("{count} excluded", { count: excluded }),
      saving && t("saving …"),
    ];
    told.textContent = status === "loading" ? t("Loading …") : parts.filter(Boolean).join(" · ");
    told.title = told.textContent;
    mistake.textContent = wrong;
    if (filter.value.trim() !== query.trim() && (document.activeElement !== filter || !query)) filter.value = query;
    turnable(undo, t("Undo"), done.at(-1));
    turnable(redo, t("Redo"), undone.at(-1));
  };
  model.on(show, model.signal);
  show();
  return { element, filter };
}

/** @param {HTMLButtonElement} button @param {string} label @param {import("./model.js").Step | undefined} step */
function turnable(button, label, step) {
  button.disabled = !step;
  const when = step && new Date(step.time).toLocaleString();
  button.title = step ? `${label}: ${step.what} · ${t("{count} image | {count} images", { count: step.images })} · ${when}` : label;
}
