/** The training panel in the nodes that train. */
import { onServer, toast } from "../lib/comfy.js";
import { t } from "../lib/i18n.js";
import { isRunOf } from "../training/course.js";
import { TrainingPanel } from "../training/panel.js";
import { useInLoader } from "../training/loaders.js";
import { newestRunOf } from "../training/watch.js";

const PROGRESS_TEXT = "$$node-text-preview"; // as ComfyUI's frontend calls the widget of send_progress_text

/** @type {import("../lib/comfy.js").ViewKind} */
export const trainingView = {
  name: "training_panel",
  nodes: ["TilewrightTrainLora", "TilewrightTrainLoraKohya", "TilewrightTrainModelKohya"],
  height: 560,
  width: 560,
  mount(view) {
    hideProgressText(view);
    const own = view.widgetNamed("checkpoint")?.type !== undefined && typeof view.value("checkpoint") === "number";
    const use = own
      ? {
          label: t("Use this checkpoint"),
          chosen: () => Number(view.value("checkpoint")) || 0,
          use: (/** @type {unknown} */ _, /** @type {number} */ step) => {
            view.setValue("checkpoint", step);
            toast("success", view.node.title, step ? t("Run hands on the LoRA of step {step}.", { step }) : t("Run hands on the last LoRA."));
          },
        }
      : { label: t("Use this checkpoint"), use: useInLoader };
    const panel = new TrainingPanel(view.signal, use);
    view.root.append(panel.root);

    const name = () => String(view.value("name") ?? "").trim();
    const fits = (/** @type {string} */ run) => !name() || isRunOf(run, name());
    /** @param {string} run */
    const show = (run) => {
      view.remember(run);
      panel.follow(run);
    };
    const find = async () => {
      const known = view.remembered;
      if (typeof known === "string" && known && fits(known)) return panel.follow(known);
      const newest = name() ? await newestRunOf(name(), view.signal).catch(() => null) : null;
      if (view.signal.aborted) return;
      if (newest) show(newest.name);
      else panel.follow("");
    };
    onServer("tilewright.run", (hint) => isOf(view.node, hint?.node) && fits(hint.name) && show(hint.name), view.signal);
    setTimeout(() => {
      if (view.signal.aborted) return;
      const [width, height] = view.node.computeSize(); // buttons that others add came after the node was sized
      view.node.setSize([Math.max(view.node.size[0], width), Math.max(view.node.size[1], height)]);
      find(); // the node's saved values are there by now
    });
    return {
      output: (output) => {
        const run = output.tilewright_run?.[0];
        if (typeof run === "string" && run) show(run);
      },
      values: () => {
        hideProgressText(view);
        panel.refresh();
        if (!panel.watch.name || !fits(panel.watch.name)) find();
      },
    };
  },
};

/**
 * The panel tells what ComfyUI would write below it again and again: the text goes into a widget that nobody sees. It
 * stands behind all that is saved, because a widget that is not would shift the values of those after it.
 * @param {import("../lib/comfy.js").NodeView} view
 */
function hideProgressText(view) {
  const widgets = /** @type {any[]} */ (view.node.widgets ?? []);
  const at = widgets.findIndex((widget) => widget.name === PROGRESS_TEXT);
  const always = { get: () => true, set() {}, enumerable: true }; // what folds a node's widgets would show it again
  const options = Object.defineProperty({ serialize: false }, "hidden", always);
  const fresh = Object.defineProperty({ name: PROGRESS_TEXT, type: "text", value: "", serialize: false, options }, "hidden", always);
  const [unseen] = at < 0 ? [fresh] : widgets.splice(at, 1);
  widgets.splice(widgets.indexOf(view.widget), 0, unseen);
}

/** Whether the server's id of a node, `12:7` for node 7 in subgraph node 12, may be of this one. @param {{id: string | number}} node @param {unknown} id */
function isOf(node, id) {
  return typeof id === "string" && (id.split(":").at(-1) ?? "").split(".")[0] === String(node.id);
}
