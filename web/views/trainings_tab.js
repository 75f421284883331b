/** The tab of all trainings in the side bar: a list, and the panel of the one that is looked at. */
import { onServer } from "../lib/comfy.js";
import { debounced, h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { useInLoader } from "../training/loaders.js";
import { TrainingPanel } from "../training/panel.js";
import { allRuns } from "../training/watch.js";

const EVERY = 10000; // ms between two looks at the list

/** @type {AbortController | null} */
let open = null;

export const trainingsTab = {
  id: "tilewright.trainings",
  icon: "pi pi-chart-line",
  title: "Trainings",
  tooltip: "Trainings: curves, samples and checkpoints of all runs",
  /** @param {HTMLElement} host */
  render(host) {
    open?.abort(); // the frontend may call this twice
    open = new AbortController();
    host.replaceChildren(content(open.signal));
  },
  destroy() {
    open?.abort();
    open = null;
  },
};

/** @param {AbortSignal} signal */
function content(signal) {
  const panel = new TrainingPanel(signal, { label: t("Use in Load LoRA"), use: useInLoader });
  const list = h("div", { class: "tw-runs", role: "listbox", "aria-label": t("Trainings") });
  const root = h("div", { class: "tilewright tw-trainings" }, h("h2", {}, t("Trainings")), list, panel.root);
  root.addEventListener("keydown", (event) => event.stopPropagation());
  let chosen = "";

  /** @param {string} name */
  function choose(name) {
    chosen = name;
    panel.follow(name);
    for (const row of list.children) row.setAttribute("aria-selected", String(/** @type {HTMLElement} */ (row).dataset.run === name));
  }

  async function look() {
    const runs = await allRuns(signal).catch(() => null);
    if (!runs || signal.aborted) return;
    const focused = /** @type {HTMLElement} */ (document.activeElement)?.dataset?.run;
    list.replaceChildren(...runs.map((run) => row(run, choose)));
    list.hidden = !runs.length;
    if (focused) /** @type {HTMLElement | null} */ ([...list.children].find((one) => /** @type {HTMLElement} */ (one).dataset.run === focused))?.focus();
    choose(runs.some((run) => run.name === chosen) ? chosen : (runs.find((run) => run.state === "training") ?? runs[0])?.name ?? "");
  }

  const soon = debounced(look, 500, signal);
  onServer("tilewright.run", soon, signal);
  onServer("reconnected", soon, signal);
  const timer = setInterval(look, EVERY);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  look();
  return root;
}

/** @param {import("../training/watch.js").Run} run @param {(name: string) => void} choose */
function row(run, choose) {
  const share = run.steps ? Math.round((100 * run.step) / run.steps) : 100;
  return h(
    "button",
    { class: "tw-run tw-plain", role: "option", "data-run": run.name, "aria-selected": "false", onclick: () => choose(run.name) },
    h("span", { class: "tw-dot", "data-state": run.state }),
    h("span", { class: "tw-grow tw-ellipsis" }, run.name),
    h("span", { class: "tw-quiet tw-number" }, run.state === "training" ? `${share} %` : t("step {step}", { step: run.step })),
  );
}
