/** The signs on a picture, in words, and how many tokens of how many. */
import { h } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";

/** @typedef {import("./model.js").Picture} Picture */

/** @type {Record<string, {label: () => string, kind: string, title: () => string}>} */
const SIGNS = {
  empty: { label: () => t("no caption"), kind: "tw-bad", title: () => t("This image has no caption.") },
  cut: { label: () => t("cut"), kind: "tw-warn", title: () => t("The model does not read the end of this caption.") },
  changed: {
    label: () => t("changed"), kind: "tw-warn", title: () => t("The caption it comes with has changed since you edited it."),
  }, // prettier-ignore
  duplicate: { label: () => t("duplicate"), kind: "tw-warn", title: () => t("It shows the same texture as another image.") },
  blank: { label: () => t("blank"), kind: "tw-bad", title: () => t("There is next to nothing in this image.") },
  unfit: { label: () => t("unfit"), kind: "tw-warn", title: () => t("Clean Dataset leaves it out.") },
  seam: { label: () => t("seam"), kind: "", title: () => t("A seam shows where it meets its own copy.") },
  edited: { label: () => t("edited"), kind: "tw-mark", title: () => t("You wrote this caption; captioners leave it alone.") },
  excluded: { label: () => t("excluded"), kind: "", title: () => t("It is left out of the training; its file stays.") },
};

/** @param {Picture} picture @param {string[]} [leftOut] signs not to show */
export function signsOf(picture, leftOut = []) {
  return picture.signs
    .filter((sign) => SIGNS[sign] && !leftOut.includes(sign))
    .map((sign) => {
      const { label, kind, title } = SIGNS[sign];
      const told = ["duplicate", "blank", "unfit"].includes(sign) ? picture.reasons.join("\n") : title();
      return h("span", { class: `tw-badge ${kind}`, title: told }, label());
    });
}

/** The filter's word for each sign that occurs, with how often. @param {Picture[]} pictures */
export function countSigns(pictures) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { signs } of pictures) for (const sign of signs) counts.set(sign, (counts.get(sign) ?? 0) + 1);
  return Object.keys(SIGNS)
    .filter((sign) => counts.has(sign))
    .map((sign) => ({ sign, label: SIGNS[sign].label(), kind: SIGNS[sign].kind, count: counts.get(sign) ?? 0 }));
}

/** "34 / 75" with a bar. @param {number} tokens @param {number} limit */
export function tokenMeter(tokens, limit) {
  const share = Math.min(1, tokens / limit);
  const over = tokens > limit;
  return h(
    "span",
    { class: `twc-tokens tw-number${over ? " twc-over" : ""}`, title: t("{count} of {limit} tokens", { count: tokens, limit }) },
    h("span", { class: "twc-meter", "aria-hidden": "true" }, h("span", { style: { inlineSize: `${share * 100}%` } })),
    `${tokens} / ${limit}`,
  );
}
