/** What a node found, in its own words: whether edges are seamless, what an export checked. It stays after a reload. */
import { fetchServer, locatorOf } from "../lib/comfy.js";
import { h } from "../lib/dom.js";
import { edgeWords } from "../lib/edge_words.js";
import { t } from "../lib/i18n.js";

/** @typedef {import("../lib/comfy.js").NodeView} NodeView */

const JOBS = 16; // of the server's history, in which the last run of a workflow is looked for
// Whose edge, and what it is like, as common/seams.py words it.
const EDGE = /^(?:(.+), )?((?:left–right|top–bottom): (seamless|doubtful|seam|nothing to measure)\b.*)$/;
const TONES = /** @type {Record<string, string>} */ ({ seamless: "tw-good", doubtful: "tw-warn", seam: "tw-bad" });

/** @type {import("../lib/comfy.js").ViewKind} */
export const BADGES = {
  name: "badges",
  nodes: ["TilewrightMeasureSeams", "TilewrightSaveMaterial", "TilewrightPreviewMaterial", "TilewrightScoreImages"],
  height: 92,
  mount(view) {
    const list = h("div", { class: "tw-badges", "aria-live": "polite" });
    view.root.append(list);
    let told = false;
    const show = (/** @type {unknown[] | undefined} */ texts) => {
      if (!texts) return;
      told = true;
      list.replaceChildren(...texts.flatMap((text) => String(text).split("\n")).map(line));
    };
    list.append(h("div", { class: "tw-quiet" }, t("What the node found will stand here.")));
    if (!view.lastOutput?.badges) void lastRun(view).then((texts) => told || view.signal.aborted || show(texts));
    return { output: (output) => show(output.badges) };
  },
};

/** A line of what was found; verdicts on edges as badges. @param {string} text */
function line(text) {
  const edges = text.split(" · ").map((part) => EDGE.exec(part) ?? []);
  if (edges.some((found) => !found.length)) return h("div", {}, text);
  const badges = edges.map(([, , words, verdict]) => h("span", { class: `tw-badge ${TONES[verdict] ?? ""}` }, edgeWords(words)));
  return h("div", { class: "tw-row" }, edges[0][1] && h("span", {}, edgeWords(edges[0][1])), badges);
}

/** What the newest job of this workflow that the server remembers told of the node. @param {NodeView} view */
async function lastRun({ node, signal }) {
  await Promise.resolve(); // the graph gets its id after its nodes are mounted
  const workflow = node.graph?.id;
  if (!workflow || /^[0-]+$/.test(workflow)) return undefined; // graphs of API files share an id of zeros
  try {
    const history = await (await fetchServer(`/history?max_items=${JOBS}`, { signal })).json();
    const key = locatorOf(node);
    const told = Object.values(history)
      .filter((job) => job.prompt?.[3]?.extra_pnginfo?.workflow?.id === workflow)
      .map((job) => job.outputs?.[key]?.badges);
    return told.filter(Boolean).at(-1);
  } catch (error) {
    if (!signal.aborted) console.warn("Tilewright could not ask for the last run:", error);
    return undefined;
  }
}
