/** The picture that is looked at, large, with its caption; or what several selected ones have in common. */
import { h } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import { pictureAddress } from "../../lib/routes.js";
import { signsOf } from "./badges.js";
import { captionField } from "./field.js";
import { countTags, splitTags, suggestions } from "./phrases.js";
import { addTag, removeTag, toggleTerm } from "./tagpane.js";

/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./model.js").Picture} Picture */

const MOST_SHARED = 60;

/** @param {Model} model */
export function inspector(model) {
  const pane = h("aside", { class: "twc-pane twc-right", "aria-label": t("Selected image") });
  /** @type {ReturnType<typeof captionField> | null} */
  let field = null;
  /** @type {Picture | undefined} */
  let seen;

  const show = () => {
    const { selected, current } = model.state;
    const picture = model.picture(current);
    const many = selected.size > 1;
    if (!many && picture && picture === seen) return;
    if (!many && picture && field?.dirty && seen?.image === picture.image) return; // what is being written stays
    if (field?.dirty) field.save();
    field?.end(); // or the model would go on telling it of every change
    field = null;
    seen = many ? undefined : picture;
    if (many) pane.replaceChildren(...several(model));
    else if (picture) {
      field = captionField(model, picture, { rows: 7 });
      pane.replaceChildren(...one(model, picture, field.element));
    } else pane.replaceChildren(h("div", { class: "tw-empty" }, t("Choose an image.")));
  };
  model.on((_, changed) => (changed.has("current") || changed.has("selected") || changed.has("pictures") || changed.has("conflict")) && show(), model.signal);
  show();
  return { element: pane, focusCaption: () => field?.focus(), focusTag: () => pane.querySelector("input")?.focus() };
}

/** @param {Model} model @param {Picture} picture @param {HTMLElement} field */
function one(model, picture, field) {
  const [width, height] = picture.size;
  const source = pictureAddress(model.source, picture, "large");
  const told = picture.reasons.filter((reason) => reason !== "seam"); // which its sign says
  const facts = [picture.map, picture.material, `${width} × ${height}`, picture.regularisation && t("regularisation")];
  return [
    h("div", { class: "twc-large" }, h("img", { src: source, alt: picture.text || picture.name })),
    h("div", { class: "tw-row twc-head" }, h("span", { class: "tw-title tw-grow twc-name", title: picture.key }, picture.name), ...signsOf(picture, ["excluded"])),
    h("div", { class: "tw-quiet" }, facts.filter(Boolean).join(" · ")),
    told.length > 0 && h("div", { class: "twc-reason" }, told.join(" · ")),
    picture.overtaken && overtaken(model, picture),
    (model.editable || picture.text) && field,
    tagChips(model, picture),
    model.editable && tagField(model),
    model.editable && actions(model, [picture]),
    picture.edited && !picture.overtaken && h("div", { class: "twc-incoming tw-quiet" }, t("It came in as:"), h("q", {}, picture.incoming || t("no caption"))),
  ].filter((part) => part instanceof Node);
}

/** Both captions, to choose from. @param {Model} model @param {Picture} picture */
function overtaken(model, picture) {
  const change = (/** @type {string | null} */ caption, /** @type {string} */ what) => model.change(what, [{ picture: picture.image, caption }]);
  return h(
    "div",
    { class: "twc-both", role: "group", "aria-label": t("Two captions") },
    h("div", {}, h("b", {}, t("The caption it comes with has changed since you edited it.")), " ", t("Yours is used.")),
    h("div", { class: "tw-quiet" }, t("It comes with:"), h("q", {}, picture.incoming || t("no caption"))),
    h("div", { class: "tw-row" },
      h("button", { onclick: () => change(picture.text, t("Keep mine")) }, t("Keep mine")),
      h("button", { onclick: () => change(null, t("Take the new one")) }, t("Take the new one")),
    ),
  ); // prettier-ignore
}

/** @param {Model} model @param {Picture} picture */
function tagChips(model, picture) {
  return h(
    "ul",
    { class: "twc-chips", "aria-label": t("Tags of this image") },
    ...picture.tags.map((tag) =>
      h(
        "li",
        {},
        h("button", { title: t("Show the images with this tag"), onclick: () => toggleTerm(model, `tag:"${tag}"`) }, tag),
        model.editable && h("button", { class: "twc-off", "aria-label": t("Take out “{tag}”", { tag }), onclick: () => removeTag(model, tag) }, "✕"),
      ),
    ),
  );
}

/** @param {Model} model */
function tagField(model) {
  const choices = h("datalist", { id: "twc-suggestions" });
  const field = h("input", { type: "text", class: "tw-grow twc-addtag", list: "twc-suggestions", placeholder: t("Add a tag"), "aria-label": t("Add a tag") });
  const add = () => {
    const tag = field.value;
    field.value = "";
    if (splitTags(tag).length) addTag(model, tag);
  };
  const suggest = () => suggestions(countTags(model.state.pictures), field.value);
  field.addEventListener("input", () => choices.replaceChildren(...suggest().map((tag) => h("option", { value: tag }))));
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.ctrlKey || event.metaKey) field.value = suggest()[0] ?? field.value;
    add();
  });
  return h("div", { class: "tw-row" }, field, choices, h("button", { onclick: add }, t("Add")));
}

/** @param {Model} model @param {Picture[]} pictures */
function actions(model, pictures) {
  const set = (/** @type {boolean} */ excluded, /** @type {string} */ what) =>
    model.change(what, pictures.map((picture) => ({ picture: picture.image, excluded }))); // prettier-ignore
  const left = pictures.filter((picture) => picture.excluded).length;
  const edited = pictures.filter((picture) => picture.edited);
  return h(
    "div",
    { class: "tw-row twc-actions" },
    left < pictures.length && h("button", { title: t("Leave out of the training (X)"), onclick: () => set(true, t("Exclude")) }, t("Exclude")),
    left > 0 && h("button", { onclick: () => set(false, t("Take back in")) }, t("Take back in")),
    edited.length > 0 &&
      h("button", {
        title: t("Forget what you wrote and use the caption it comes with"),
        onclick: () => model.change(t("Reset"), edited.map((picture) => ({ picture: picture.image, caption: null }))),
      }, t("Reset caption")),
  ); // prettier-ignore
}

/** One tag, yes or no, over all that are selected. @param {Model} model */
function several(model) {
  const pictures = model.chosen;
  const shared = countTags(pictures);
  const put = (/** @type {string} */ tag, /** @type {boolean} */ all) => (all ? removeTag(model, tag) : addTag(model, tag));
  return [
    h("div", { class: "twc-stack" }, ...pictures.slice(0, 4).map((picture) =>
      h("img", { src: pictureAddress(model.source, picture), alt: "" }))), // prettier-ignore
    h("div", { class: "tw-title" }, t("{count} images selected", { count: pictures.length })),
    model.editable ? tagField(model) : h("span"),
    model.editable ? actions(model, pictures) : h("span"),
    h("div", { class: "tw-quiet" }, t("Tags of these images: click to give a tag to all, or to take it from all.")),
    h(
      "ul",
      { class: "twc-shared" },
      ...shared.slice(0, MOST_SHARED).map(({ tag, count }) => {
        const all = count === pictures.length;
        const pressed = all ? "true" : "mixed";
        return h(
          "li",
          {},
          h("button", { "aria-pressed": pressed, disabled: !model.editable, onclick: () => put(tag, all) },
            h("span", { class: "twc-check", "aria-hidden": "true" }, all ? "✓" : "–"),
            h("span", { class: "tw-grow twc-tagname" }, tag),
            h("span", { class: "tw-number tw-quiet" }, `${count} / ${pictures.length}`)),
        ); // prettier-ignore
      }),
    ),
  ];
}

