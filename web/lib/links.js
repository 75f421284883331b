/** What is linked to a node's inputs. */

/** @typedef {import("./frontend").ComfyNode} ComfyNode */

/** Whether a link gives that input, so that its widget's value is not what counts. @param {ComfyNode} node @param {string} name */
export function isLinked(node, name) {
  const slot = node.inputs?.find((input) => (input.widget?.name ?? input.name) === name);
  return slot?.link !== null && slot?.link !== undefined;
}

/** The node whose output is linked to that input, if any. @param {ComfyNode} node @param {string} name */
export function sourceOf(node, name) {
  const slot = node.inputs?.findIndex((input) => input.name === name) ?? -1;
  return slot < 0 ? undefined : node.getInputNode?.(slot);
}
