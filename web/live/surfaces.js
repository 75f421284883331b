/** The cm of the surface that a node works with, told by widgets alone. */
import { isLinked, sourceOf } from "../lib/links.js";

/** @typedef {import("../lib/frontend").ComfyNode} ComfyNode */

/** Their `surface` output is what their own widgets say, or what their `surface` input got. */
const HANDING_ON = ["TilewrightHeightFromImage", "TilewrightHeightToNormal", "TilewrightOcclusion", "TilewrightCurvature"];

/** Null where only a run can tell. @param {ComfyNode} node @returns {{height_cm: number, size_cm: number} | null} */
export function surfaceOf(node) {
  if (isLinked(node, "surface")) {
    const origin = sourceOf(node, "surface");
    return origin && HANDING_ON.includes(origin.type) ? surfaceOf(origin) : null;
  }
  if (isLinked(node, "height_cm") || isLinked(node, "size_cm")) return null;
  const number = (/** @type {string} */ name) => Number(node.widgets?.find((widget) => widget.name === name)?.value);
  return { height_cm: number("height_cm"), size_cm: number("size_cm") };
}
