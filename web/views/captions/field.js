/** Where a caption is written. It knows what stood there when the person began, so nobody else's words are overwritten. */
import { debounced, h } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import { tokenMeter } from "./badges.js";
import { tidy } from "./phrases.js";

/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./model.js").Picture} Picture */

/**
 * Enter and leaving the field save, Escape gives up.
 * @param {Model} model @param {Picture} picture
 * @param {{done?: () => void, next?: () => void, rows?: number}} told
 */
export function captionField(model, picture, { done, next, rows = 5 }) {
  const shown = { caption: picture.text, excluded: picture.excluded };
  const ending = new AbortController();
  const signal = AbortSignal.any([ending.signal, model.signal]);
  const label = t("Caption of {name}", { name: picture.name });
  const area = h("textarea", { rows, value: shown.caption, "aria-label": label, maxlength: 10000, spellcheck: "true", readonly: !model.editable });
  const meter = h("div", { class: "twc-about" }, h("span", { class: "tw-quiet" }, model.editable && t("Enter saves, Esc gives up")), tokenMeter(picture.tokens, model.state.limit));
  const element = h("div", { class: "twc-field" }, area, meter);

  const count = debounced(
    async () => {
      const body = { captions: [tidy(area.value)] };
      const told = await model.routes.post("dataset/tokens", body, signal).catch(() => null);
      if (told && !signal.aborted) meter.lastChild?.replaceWith(tokenMeter(told.tokens[0], model.state.limit));
    },
    150,
    signal,
  );

  /** What the server refused: it is not sent again by itself. @type {string | null} */
  let refused = null;
  /** What is on its way: leaving the field and turning to another picture both save. @type {{text: string, made: Promise<boolean>} | null} */
  let sent = null;
  const save = async () => {
    const text = tidy(area.value);
    if (sent && sent.text !== text) await sent.made; // the server compares with what it was shown last
    if (ending.signal.aborted || text === shown.caption) return true;
    if (text === refused) return false;
    const change = { picture: picture.image, caption: area.value, shown: { ...shown } };
    sent ??= { text, made: model.change(t("Caption of {name}", { name: picture.name }), [change]) };
    const saved = await sent.made;
    sent = null;
    if (saved) shown.caption = text;
    else if (model.state.conflict) refused = text;
    return saved;
  };

  const end = () => {
    if (ending.signal.aborted) return;
    shown.caption = tidy(area.value);
    ending.abort();
    done?.();
  };
  model.on((state, changed) => changed.has("conflict") && !state.conflict && refused !== null && end(), signal);

  area.addEventListener("input", () => count());
  area.addEventListener("blur", async () => {
    if (await save()) end();
  });
  area.addEventListener("keydown", async (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      area.value = shown.caption;
      end();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      event.stopPropagation();
      if (!(await save())) return;
      end();
      if (event.ctrlKey || event.metaKey) next?.();
    }
  });

  return {
    element,
    area,
    save,
    end,
    /** Whether something is written that is not saved. */
    get dirty() {
      return tidy(area.value) !== shown.caption;
    },
    focus() {
      area.focus();
      area.setSelectionRange(area.value.length, area.value.length);
    },
  };
}
