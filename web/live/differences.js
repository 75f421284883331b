/** What is told beside a live map: why the node's own may be another. */
import { t } from "../lib/i18n.js";
import { isLinked } from "../lib/links.js";
import { surfaceOf } from "./surfaces.js";

/** @typedef {import("../lib/comfy.js").NodeView} NodeView */
/** @typedef {import("./kinds.js").Kind} Kind */
/** @typedef {import("./fourier.js").Plane} Plane */
/** @typedef {{told: import("./files.js").Told, planes: Record<string, Plane>, isOfRun: boolean, isGiven?: boolean}} Source given: by the live map of the node before */
/**
 * A live map, with all that it was made of.
 * @typedef {object} Shown
 * @property {Source} from @property {Plane} plane of it
 * @property {any} settings @property {Record<string, Uint8ClampedArray>} pictures by the node's outputs
 * @property {[number, number]} size of the pictures, width and height
 * @property {boolean} isDraft
 */

/** @param {Pick<NodeView, "node" | "value">} view @param {Kind} kind @param {Shown} shown @returns {string[]} in words, none where there is no reason */
export function differences(view, kind, { from, plane, size, isDraft }) {
  const { told, planes, isOfRun, isGiven } = from;
  const value = (/** @type {string} */ name) => view.value(name);
  const deband = kind.debands && value("deband");
  const linked = [...kind.widgets, "deband", ...(kind.channel ? [kind.channel] : [])].filter((name) => isLinked(view.node, name));
  if (isLinked(view.node, "surface") && !surfaceOf(view.node)) linked.push("surface");
  const reasons = [
    isDraft && t("a draft, the whole follows"),
    isOfRun && t("of the last run's input"),
    !isDraft && size[0] < told.pixels[0] && t("made of a smaller height"),
    deband && !told.debanded && (isGiven ? t("not debanded here, but by the node") : t("debanding shows after a run")),
    deband && plane === planes.smooth && told.axes !== value("axes") && t("debanded for axes {axes}", { axes: told.axes }),
    kind.channel && isOfRun && !isGiven && told.channel !== value(kind.channel) && t("the channel shows after a run"),
    linked.length > 0 && t("linked, so not live: {names}", { names: linked.join(", ") }),
  ];
  return reasons.filter((one) => typeof one === "string");
}
