/** The pictures of one page: thumbnail, caption, signs. A card is kept while its picture stays on the page. */
import { h } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import { pictureAddress } from "../../lib/routes.js";
import { signsOf, tokenMeter } from "./badges.js";
import { captionField } from "./field.js";

/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./model.js").Picture} Picture */

export const PAGE = 100;

/** @typedef {{element: HTMLElement, picture: Picture, caption: HTMLElement, signs: HTMLElement, box: HTMLInputElement}} Card */

/** The grid with its pages. */
export class Cards {
  /** @param {Model} model @param {(image: number) => void} open shows a picture large */
  constructor(model, open) {
    this.model = model;
    this.open = open;
    this.page = 0;
    /** @type {Map<number, Card>} */
    this.cards = new Map();
    /** @type {import("./model.js").Picture[]} */
    this.pictures = [];
    this.grid = h("div", { class: "twc-grid", role: "listbox", "aria-multiselectable": "true", "aria-label": t("Images") });
    this.pager = h("nav", { class: "twc-pager tw-row", "aria-label": t("Pages") });
    this.scroller = h("div", { class: "twc-scroller", "data-capture-wheel": "true" }, this.grid);
    this.element = h("section", { class: "twc-main" }, this.scroller, this.pager);
    model.on((_, changed) => this.#changed(changed), model.signal);
    this.show();
  }

  /** @param {Set<keyof import("./model.js").State>} changed */
  #changed(changed) {
    if (changed.has("shown") || changed.has("status")) this.show();
    if (changed.has("selected")) this.#mark();
    if (changed.has("current")) this.#turnTo(this.model.state.current);
  }

  get pages() {
    return Math.max(1, Math.ceil(this.model.state.shown.length / PAGE));
  }

  /** @param {number} page */
  turn(page) {
    this.page = Math.min(Math.max(0, page), this.pages - 1);
    this.scroller.scrollTop = 0;
    this.show();
  }

  show() {
    const { shown, status, query } = this.model.state;
    this.page = Math.min(this.page, this.pages - 1);
    this.pictures = shown.slice(this.page * PAGE, (this.page + 1) * PAGE);
    const elements = this.pictures.map((picture) => this.#card(picture).element);
    const kept = new Set(this.pictures.map((picture) => picture.image));
    for (const image of this.cards.keys()) if (!kept.has(image)) this.cards.delete(image);
    const same = elements.length === this.grid.children.length && elements.every((one, i) => one === this.grid.children[i]);
    if (!same) this.grid.replaceChildren(...elements);
    if (!elements.length && status === "ready") this.grid.replaceChildren(nothing(query));
    this.#mark();
    this.#showPager();
  }

  /** @param {Picture} picture */
  #card(picture) {
    const known = this.cards.get(picture.image) ?? this.#make(picture);
    this.cards.set(picture.image, known);
    if (known.picture !== picture || !known.caption.childNodes.length) this.#fill(known, picture);
    return known;
  }

  /** @param {Picture} picture @returns {Card} */
  #make(picture) {
    const source = pictureAddress(this.model.source, picture);
    const image = h("img", { src: source, alt: "", loading: "lazy", decoding: "async", draggable: "false" });
    image.addEventListener("error", () => image.replaceWith(h("span", { class: "twc-noimage" }, t("cannot be shown"))));
    const box = h("input", { type: "checkbox", tabindex: "-1", "aria-label": t("Select {name}", { name: picture.name }) });
    const signs = h("div", { class: "twc-signs" });
    const caption = h("div", { class: "twc-caption" });
    const frame = h("div", { class: "twc-frame" }, image, signs, box);
    const element = h("article", { class: "twc-card", role: "option", tabindex: "-1", "data-image": picture.image }, frame, caption);
    box.addEventListener("click", (event) => {
      event.stopPropagation();
      this.select(picture.image, event.shiftKey ? "range" : "toggle");
    });
    frame.addEventListener("click", (event) => {
      const how = event.shiftKey ? "range" : event.ctrlKey || event.metaKey ? "toggle" : "only";
      this.select(picture.image, how);
      element.focus({ preventScroll: true });
    });
    frame.addEventListener("dblclick", () => this.open(picture.image));
    caption.addEventListener("click", () => this.edit(picture.image));
    return { element, picture, caption, signs, box };
  }

  /** @param {Card} card @param {Picture} picture */
  #fill(card, picture) {
    card.picture = picture;
    card.element.classList.toggle("twc-excluded", picture.excluded);
    card.element.setAttribute("aria-label", `${picture.name}: ${picture.text || t("no caption")}`);
    card.signs.replaceChildren(...signsOf(picture));
    if (card.caption.querySelector("textarea")) return; // the person is writing
    const text = h("div", { class: `twc-text${picture.text ? "" : " tw-quiet"}`, lang: "" }, picture.text || t("No caption yet"));
    const about = h(
      "div",
      { class: "twc-about tw-quiet" },
      h("span", { class: "twc-name", title: picture.key }, picture.name),
      tokenMeter(picture.tokens, this.model.state.limit),
    );
    card.caption.replaceChildren(text, about);
  }

  /** Writes in the card's place. @param {number} image */
  edit(image) {
    const card = this.cards.get(image);
    if (!card || !this.model.editable || card.caption.querySelector("textarea")) return;
    this.model.set({ current: image });
    const field = captionField(this.model, card.picture, {
      done: () => {
        card.caption.replaceChildren();
        this.#fill(card, this.model.picture(image));
        card.element.focus({ preventScroll: true });
      },
      next: () => this.edit(this.step(1)),
    });
    card.caption.replaceChildren(field.element);
    field.focus();
  }

  /** @param {number} image @param {"only" | "toggle" | "range"} how */
  select(image, how) {
    const { selected, current, shown } = this.model.state;
    const next = new Set(how === "only" ? [] : selected);
    if (how === "toggle") next.has(image) ? next.delete(image) : next.add(image);
    else if (how === "range") {
      const numbers = shown.map((picture) => picture.image);
      const ends = [numbers.indexOf(current < 0 ? image : current), numbers.indexOf(image)].sort((a, b) => a - b);
      for (const one of numbers.slice(ends[0], ends[1] + 1)) next.add(one);
    }
    this.model.set({ selected: next, current: image });
  }

  /** Goes on by so many pictures; returns the one it comes to. @param {number} by */
  step(by) {
    const { shown, current } = this.model.state;
    if (!shown.length) return -1;
    const at = shown.findIndex((picture) => picture.image === current);
    const next = shown[at < 0 ? 0 : Math.min(Math.max(0, at + by), shown.length - 1)].image;
    this.model.set({ current: next });
    return next;
  }

  /** Gives the keys to the current picture, or the first. */
  focus() {
    this.cards.get(this.step(0))?.element.focus({ preventScroll: true });
  }

  /** How many cards stand in a row. */
  get columns() {
    return getComputedStyle(this.grid).gridTemplateColumns.split(" ").length;
  }

  /** @param {number} image */
  #turnTo(image) {
    const at = this.model.state.shown.findIndex((picture) => picture.image === image);
    if (at >= 0 && Math.floor(at / PAGE) !== this.page) {
      this.page = Math.floor(at / PAGE);
      this.show();
    }
    this.#mark();
    const card = this.cards.get(image);
    card?.element.scrollIntoView({ block: "nearest" });
    const { activeElement } = document;
    const free = !activeElement || activeElement === document.body || this.grid.contains(activeElement);
    if (card && free && !activeElement?.matches("textarea")) card.element.focus({ preventScroll: true });
  }

  #mark() {
    const { selected, current } = this.model.state;
    const reachable = this.cards.has(current) ? current : this.pictures[0]?.image;
    for (const [image, { element, box }] of this.cards) {
      element.classList.toggle("twc-current", image === current);
      element.setAttribute("aria-selected", String(selected.has(image)));
      element.tabIndex = image === reachable ? 0 : -1;
      box.checked = selected.has(image);
    }
  }

  #showPager() {
    const total = this.model.state.shown.length;
    this.pager.hidden = total <= PAGE;
    const first = this.page * PAGE + 1;
    const last = Math.min(total, first + PAGE - 1);
    const button = (/** @type {string} */ label, /** @type {string} */ sign, /** @type {number} */ page) =>
      h("button", { "aria-label": label, disabled: page < 0 || page >= this.pages, onclick: () => this.turn(page) }, sign);
    this.pager.replaceChildren(
      button(t("Previous page"), "‹", this.page - 1),
      h("span", { class: "tw-number" }, t("{first}–{last} of {total}", { first, last, total })),
      button(t("Next page"), "›", this.page + 1),
    );
  }
}

/** @param {string} query */
function nothing(query) {
  return h("div", { class: "tw-empty" }, query ? t("No image matches the filter.") : t("The dataset is empty."));
}
