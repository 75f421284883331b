/** Find and replace over many captions: what would change is shown before anything does. */
import { debounced, h } from "../../lib/dom.js";
import { t } from "../../lib/i18n.js";
import { replacer } from "./phrases.js";

/** @typedef {import("./model.js").Model} Model */
/** @typedef {import("./model.js").Picture} Picture */

const MOST_SHOWN = 6;

/** @param {Model} model @param {() => void} close */
export function replaceBar(model, close) {
  const find = h("input", { type: "text", "aria-label": t("Find"), placeholder: t("Find") });
  const by = h("input", { type: "text", "aria-label": t("Replace with"), placeholder: t("Replace with") });
  const [words, cased, pattern] = [t("Whole words"), t("Match case"), t("Regular expression")].map((label, i) =>
    h("label", { class: "tw-row" }, h("input", { type: "checkbox", checked: i === 0 }), label),
  );
  const told = h("span", { class: "tw-grow", role: "status" });
  const apply = h("button", { class: "tw-main", onclick: () => run() }, t("Replace"));
  const list = h("ul", { class: "twc-diffs" });
  const closer = h("button", { class: "tw-plain", "aria-label": t("Close"), onclick: close }, "✕");
  const bar = h(
    "section",
    { class: "twc-replace", "aria-label": t("Find and replace") },
    h("div", { class: "tw-row" }, find, h("span", { "aria-hidden": "true" }, "→"), by, words, cased, pattern, told, apply, closer),
    list,
  );

  /** @returns {{picture: Picture, text: string}[]} */
  const planned = () => {
    const checked = (/** @type {HTMLElement} */ label) => Boolean(label.querySelector("input")?.checked);
    const replace = replacer({ find: find.value, by: by.value, words: checked(words), cased: checked(cased), pattern: checked(pattern) });
    const { shown, selected } = model.state;
    const scope = selected.size > 1 ? model.chosen : shown;
    return scope.map((picture) => ({ picture, text: replace(picture.text) })).filter(({ picture, text }) => text !== picture.text);
  };

  const preview = () => {
    const { shown, selected } = model.state;
    const total = selected.size > 1 ? model.chosen.length : shown.length;
    try {
      const plan = planned();
      apply.disabled = !plan.length;
      told.textContent = t("{count} of {total} captions change", { count: plan.length, total });
      list.replaceChildren(...plan.slice(0, MOST_SHOWN).map(({ picture, text }) => difference(picture, text)));
    } catch (error) {
      apply.disabled = true;
      list.replaceChildren();
      told.textContent = t("That is no regular expression: {why}", { why: /** @type {Error} */ (error).message });
    }
  };

  const run = async () => {
    const plan = planned().map(({ picture, text }) => ({ picture: picture.image, caption: text }));
    if (await model.change(t("Replace “{find}” with “{by}”", { find: find.value, by: by.value }), plan)) find.select();
  };

  const soon = debounced(preview, 80, model.signal);
  bar.addEventListener("input", () => soon());
  bar.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "Enter" && event.target !== closer && !apply.disabled && !event.isComposing) {
      event.preventDefault();
      run();
    }
  });
  model.on((_, changed) => (changed.has("shown") || changed.has("selected")) && bar.isConnected && soon(), model.signal);
  preview();
  return { element: bar, focus: () => find.focus(), preview };
}

/** What is taken out and what comes in, between what both have in common. @param {Picture} picture @param {string} text */
function difference(picture, text) {
  const { begin, end } = common(picture.text, text);
  const before = picture.text;
  const context = 40;
  const head = before.slice(0, begin);
  const tail = before.slice(before.length - end);
  return h(
    "li",
    {},
    h("span", { class: "tw-quiet twc-name" }, picture.name),
    h("span", { class: "twc-diff" },
      head.length > context ? `…${head.slice(-context)}` : head,
      h("del", {}, before.slice(begin, before.length - end)),
      h("ins", {}, text.slice(begin, text.length - end)),
      tail.length > context ? `${tail.slice(0, context)}…` : tail,
    ),
  ); // prettier-ignore
}

/** How many letters two texts share at their beginning and at their end. @param {string} a @param {string} b */
export function common(a, b) {
  const most = Math.min(a.length, b.length);
  let begin = 0;
  while (begin < most && a[begin] === b[begin]) begin += 1;
  let end = 0;
  while (end < most - begin && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  return { begin, end };
}
