/** A checkpoint goes into a node that loads LoRAs: as a plain value, which the graph then loads. */
import { everyNode, redraw, toast } from "../lib/comfy.js";
import { t } from "../lib/i18n.js";

const LOADERS = ["LoraLoader", "LoraLoaderModelOnly"];

/** Writes the file's name into the selected Load LoRA, or the only one. @param {import("./watch.js").Run} run @param {number} step 0 for the last */
export function useInLoader(run, step) {
  const file = step ? run.checkpoints[String(step)] : run.lora;
  const loaders = [...everyNode()].filter((node) => LOADERS.includes(node.type));
  const chosen = loaders.filter((node) => /** @type {any} */ (node).selected);
  const [node] = chosen.length ? chosen : loaders;
  if (!node || (loaders.length > 1 && chosen.length !== 1)) {
    const words = node ? "Select the Load LoRA node that shall load it." : "There is no Load LoRA node in this graph. Add one, then press again.";
    toast("info", file, t(words));
    return;
  }
  const widget = node.widgets?.find((one) => one.name === "lora_name");
  if (!widget) return;
  widget.value = file;
  widget.callback?.(file);
  redraw();
  toast("success", node.title, t("Loads {file} now.", { file }));
}
