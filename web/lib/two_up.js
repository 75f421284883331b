/** Two pictures of a series side by side over the whole window; arrow keys go through the series, Enter takes one. */
import { h } from "./dom.js";
import { t } from "./i18n.js";

/**
 * `take` chooses an item, where there is anything to choose.
 * @param {string} title @param {{label: string, address: string, take?: () => void}[]} items @param {number} right which is shown on the right
 * @param {AbortSignal} signal closes it
 */
export function twoUp(title, items, right, signal) {
  const last = items.length - 1;
  const at = [Math.max(0, right - 1), Math.max(0, right)];
  const canTake = items.some((item) => item.take);
  const panes = at.map((_, side) => {
    const picture = h("img", { draggable: "false" });
    const label = h("b", { class: "tw-number" });
    const slider = h("input", { type: "range", min: 0, max: last, step: 1, "aria-label": side ? t("Picture on the right") : t("Picture on the left"), oninput: () => show(side, Number(slider.value)) });
    const taken = h("button", { onclick: () => take(side) }, t("Choose this one"));
    const caption = h("figcaption", { class: "tw-row" }, label, slider, canTake && taken);
    return { root: h("figure", {}, picture, caption), picture, label, slider, taken };
  });
  const dialog = h(
    "dialog",
    { class: "tilewright tw-compare", "aria-label": t("Compare pictures"), tabindex: -1 },
    h(
      "header",
      { class: "tw-row" },
      h("div", { class: "tw-grow tw-title tw-ellipsis" }, title),
      h("span", { class: "tw-quiet" }, h("kbd", {}, "←"), " ", h("kbd", {}, "→"), ` ${t("right")} · `, h("kbd", {}, "Shift"), ` ${t("left")}`, canTake && [" · ", h("kbd", {}, "Enter"), ` ${t("choose the right one")}`]),
      h("button", { onclick: () => dialog.close(), "aria-label": t("Close") }, "✕"),
    ),
    h("div", { class: "tw-compare-panes" }, panes.map((one) => one.root)),
  );

  /** @param {number} side @param {number} number */
  function show(side, number) {
    at[side] = Math.min(last, Math.max(0, number));
    const { label, address } = items[at[side]];
    const pane = panes[side];
    pane.picture.src = address;
    pane.picture.alt = label;
    pane.label.textContent = label;
    pane.slider.value = String(at[side]);
    pane.slider.setAttribute("aria-valuetext", label);
    pane.taken.disabled = !items[at[side]].take;
  }

  /** @param {number} side */
  function take(side) {
    const { take } = items[at[side]];
    if (!take) return;
    take();
    dialog.close();
  }

  dialog.addEventListener("keydown", (event) => {
    event.stopPropagation(); // the graph behind would take the keys
    // A key held down since it opened this window repeats itself.
    if (event.key === "Enter" && !event.repeat && !(event.target instanceof HTMLButtonElement)) {
      event.preventDefault();
      take(event.shiftKey ? 0 : 1);
    }
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!way || event.target instanceof HTMLInputElement) return;
    const side = event.shiftKey ? 0 : 1;
    show(side, at[side] + way);
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  const ended = new AbortController();
  dialog.addEventListener("close", () => {
    ended.abort();
    dialog.remove();
  });
  signal.addEventListener("abort", () => dialog.close(), { once: true, signal: ended.signal });
  at.forEach((number, side) => show(side, number));
  document.body.append(dialog);
  dialog.showModal();
  dialog.focus(); // not its first button: Enter takes a picture
}
