/** What to ask the server for, of a node that follows a loader of files. */
import { isLinked, sourceOf } from "../lib/links.js";

/** @typedef {import("../lib/frontend").ComfyNode} ComfyNode */

/** The widgets that name the file of a loader. @type {Record<string, string[]>} */
const LOADERS = { TilewrightLoadMap: ["file", "kind", "light", "layer"], LoadImage: ["image"] };

/** The query of the height route as JSON, "" where no loader names a file by its own widgets. @param {ComfyNode} node @param {import("./kinds.js").Kind} kind */
export function questionOf(node, { input, channel }) {
  const origin = sourceOf(node, input);
  const names = origin && LOADERS[origin.type];
  if (!names || names.some((name) => isLinked(origin, name))) return "";
  const value = (/** @type {ComfyNode} */ of, /** @type {string} */ name) => String(of.widgets?.find((widget) => widget.name === name)?.value ?? "");
  const file = value(origin, names[0]);
  const asked = { loader: origin.type, axes: value(node, "axes"), file, ...Object.fromEntries(names.slice(1).map((name) => [name, value(origin, name)])) };
  return file ? JSON.stringify(channel ? { ...asked, channel: value(node, channel) } : asked) : "";
}
