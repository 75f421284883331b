/**
 * A list of what is there beside inputs of free text: folders, archives and what they hold, captioners, LoRAs, runs.
 *
 * A button below the widgets opens it, in both renderers. What is chosen becomes the widget's value, as if it were typed.
 */
import { redraw } from "../lib/comfy.js";
import { h, loadStyles } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { everyWidget } from "../lib/nodes.js";
import { get } from "../lib/routes.js";

/** @typedef {import("../lib/frontend").ComfyNode} ComfyNode */
/** @typedef {import("../lib/frontend").ComfyWidget} ComfyWidget */
/** @typedef {{ widget: ComfyWidget, kind: string, several?: string }} Offered */

const BUTTON = "tilewright_choose";
const FEW = 8; // choices that need no filter

/** As an extension of the editor. @type {import("../lib/frontend").Extension} */
export const picker = {
  name: "tilewright.picker",
  nodeCreated(node) {
    const [first] = offeredOf(node);
    if (!first) return;
    const options = { serialize: false, hideInPanel: true };
    const button = node.addWidget("button", BUTTON, null, () => openPicker(node), options);
    button.serialize = false;
    button.label = t("Choose {what}…", { what: first.widget.label ?? first.widget.name });
    const widgets = node.widgets ?? [];
    const views = widgets.findIndex((one) => one.serialize === false);
    widgets.splice(views, 0, ...widgets.splice(widgets.indexOf(button), 1));
  },
};

/** The widgets of a node that can be filled from a list. @param {ComfyNode} node @returns {Offered[]} */
export function offeredOf(node) {
  return everyWidget(node).flatMap(({ widget, facts }) => (facts.offered ? [{ widget, ...facts.offered }] : []));
}

/** @param {ComfyNode} node */
export function openPicker(node) {
  loadStyles();
  const offered = offeredOf(node);
  const sections = offered.map((one) => new Section(node, one, chosen));
  /** @param {Section} section */
  function chosen(section) {
    redraw();
    if (offered.length === 1 && !section.offered.several) dialog.close();
    for (const other of sections) if (other.hangsOn(section)) other.load();
  }
  const refresh = h("button", { type: "button", onclick: () => sections.forEach((one) => one.load()) }, t("Look again"));
  const close = h("button", { type: "button", class: "tw-main", onclick: () => dialog.close() }, t("Done"));
  const dialog = h(
    "dialog",
    { class: "tilewright tw-picker", onclose: () => dialog.remove(), "aria-label": node.title },
    h("div", { class: "tw-title" }, node.title),
    h("div", { class: "tw-picker-body" }, ...sections.map((one) => one.root)),
    h("div", { class: "tw-row tw-picker-foot" }, refresh, h("span", { class: "tw-grow" }), close),
  );
  for (const type of ["keydown", "wheel", "copy", "cut", "paste"]) dialog.addEventListener(type, (event) => event.stopPropagation());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // beside it
  document.body.append(dialog);
  dialog.showModal();
  sections.forEach((one) => one.load());
  return dialog;
}

/** One input's list. */
class Section {
  /** @param {ComfyNode} node @param {Offered} offered @param {(section: Section) => void} chosen */
  constructor(node, offered, chosen) {
    this.node = node;
    this.offered = offered;
    this.chosen = chosen;
    /** @type {string[]} */
    this.names = [];
    this.filter = h("input", { type: "search", placeholder: t("Filter"), oninput: () => this.draw() });
    this.list = h("div", { class: "tw-picker-list" });
    const label = h("div", { class: "tw-row" }, h("b", { class: "tw-grow" }, offered.widget.label ?? offered.widget.name), this.filter);
    this.root = h("section", {}, label, this.list);
  }

  /** Whether what is there depends on what another section chose. @param {Section} other */
  hangsOn(other) {
    return other !== this && this.beside().includes(other.offered.widget.name);
  }

  /** @returns {string[]} the widgets whose values the server is told */
  beside() {
    return { graphs: ["archive"], outputs: ["archive", "graph"], parameters: ["archive", "graph"] }[this.offered.kind] ?? [];
  }

  async load() {
    this.list.replaceChildren(h("div", { class: "tw-quiet" }, t("Looking…")));
    /** @type {Record<string, string>} */
    const asked = { kind: this.offered.kind };
    for (const name of this.beside()) asked[name] = String(this.node.widgets?.find((one) => one.name === name)?.value ?? "");
    if ("archive" in asked && !asked.archive) return this.tell(t("Choose an archive first."));
    try {
      const { choices, otherwise } = await get("choices", asked);
      this.names = choices;
      if (!choices.length) return this.tell(t("Nothing found. {what}", { what: t(otherwise) }));
      this.draw();
    } catch (error) {
      this.tell(/** @type {Error} */ (error).message);
    }
  }

  /** @param {string} sentence */
  tell(sentence) {
    this.names = [];
    this.filter.hidden = true;
    this.list.replaceChildren(h("div", { class: "tw-quiet", role: "status" }, sentence));
  }

  draw() {
    this.filter.hidden = this.names.length <= FEW;
    const sought = this.filter.value.trim().toLowerCase();
    const shown = this.names.filter((name) => name.toLowerCase().includes(sought));
    const now = this.values();
    this.list.replaceChildren(...shown.map((name) => this.entry(name, now.includes(name))));
    if (!shown.length) this.list.append(h("div", { class: "tw-quiet" }, t("Nothing like that.")));
  }

  /** @param {string} name @param {boolean} pressed */
  entry(name, pressed) {
    const choose = () => {
      this.set(name, !pressed);
      this.draw();
      const drawn = [...this.list.querySelectorAll("button")].find((one) => one.textContent === name);
      drawn?.focus(); // or keys, Escape among them, would go to the editor behind
      this.chosen(this);
    };
    return h("button", { type: "button", class: "tw-plain tw-picker-entry", "aria-pressed": String(pressed), onclick: choose }, name);
  }

  /** What the widget holds. @returns {string[]} */
  values() {
    const { widget, several } = this.offered;
    const value = String(widget.value ?? "");
    if (!several) return [value];
    return value.split(several.trim() || several).map((one) => one.trim()).filter(Boolean);
  }

  /** @param {string} name @param {boolean} on */
  set(name, on) {
    const { widget, several } = this.offered;
    const others = several ? this.values().filter((one) => one !== name) : [];
    widget.value = [...others, ...(on || !several ? [name] : [])].join(several);
    widget.callback?.(widget.value);
  }
}
