/**
 * Says what is wrong where the person looks: the pack's own sentence in a toast, under the title of the node.
 *
 * ComfyUI's own toast says only that a node threw an error, or rejected a value; the reason stands two clicks deeper.
 */
import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { t } from "./lib/i18n.js";

const OURS = "Tilewright";
const LIFE = 20000; // ms: long enough to read two sentences twice
const ANSWER = 30000; // ms: how long a refusal of the server is waited for
const OWN = ["custom_validation_failed", "exception_during_validation"]; // ComfyUI itself tells of sockets, ranges and lists

/** What a cancelled node leaves behind: ComfyUI itself says that the job failed. */
const KEPT = /** @type {Record<string, string>} */ ({
  TilewrightTrainLora:
    "Cancelled. What was trained so far is kept in output/loras; Run goes on from there, with the same settings and images.",
  TilewrightLoraGrid: "Cancelled. The pictures so far are kept in output/grids; Run goes on with those that are missing.",
});

/**
 * The node of that id, or the subgraph node it lies in; the server names node 3 of subgraph node 12 `12:3`.
 * @param {string|number} id
 */
function nodeOf(id) {
  /** @type {import("./lib/frontend").ComfyGraph | undefined} */
  let graph = app.graph;
  let found;
  for (const part of String(id).split(":")) {
    /** @type {import("./lib/frontend").ComfyNode | null | undefined} */
    const node = graph?.getNodeById(Number(part));
    if (!node) break;
    found = node;
    graph = node.subgraph;
  }
  return found;
}

/** @param {string|number} id @param {string} type the node's class @param {string} sentence @param {"error"|"info"} severity */
function tell(id, type, sentence, severity = "error") {
  const summary = nodeOf(id)?.title ?? type.replace(OURS, "");
  app.extensionManager.toast.add({ severity, summary, detail: sentence, life: LIFE });
}

/**
 * Each sentence of the pack's refusals once.
 * @param {Record<string, {class_type: string, errors: {type: string, message: string, details: string, extra_info?: {input_name?: string}}[]}>} refused
 */
function tellRefusals(refused) {
  for (const [id, { class_type, errors }] of Object.entries(refused)) {
    if (!class_type?.startsWith(OURS)) continue;
    const sentences = errors.filter(({ type }) => OWN.includes(type)).map(({ details, message, extra_info }) => {
      const prefix = `${extra_info?.input_name} - `; // the server puts the input's name before our sentence
      return details?.startsWith(prefix) ? details.slice(prefix.length) : details || message;
    });
    for (const sentence of new Set(sentences)) tell(id, class_type, sentence);
  }
}

/** The frontend has no event for a prompt that the server refused: look until it is queued or refused. */
function watchForRefusal() {
  const before = app.lastNodeErrors;
  const until = Date.now() + ANSWER;
  let queued = false;
  api.addEventListener("promptQueued", () => (queued = true), { once: true });
  const look = () => {
    const now = app.lastNodeErrors;
    if (now && now !== before) tellRefusals(now);
    else if (!queued && Date.now() < until) setTimeout(look, 100);
  };
  look();
}

app.registerExtension({
  name: "tilewright.errors",
  setup() {
    api.addEventListener("execution_error", ({ detail }) => {
      if (detail.node_type?.startsWith(OURS)) tell(detail.node_id, detail.node_type, detail.exception_message.trim());
    });
    api.addEventListener("execution_interrupted", ({ detail }) => {
      const kept = KEPT[detail.node_type];
      if (kept) tell(detail.node_id, detail.node_type, t(kept), "info");
    });
    api.addEventListener("promptQueueing", watchForRefusal);
  },
});
