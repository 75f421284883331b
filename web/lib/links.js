/** What is linked to a node's inputs. */

/** @typedef {import("./frontend").ComfyNode} ComfyNode */

const [NEVER, BYPASSED] = [2, 4]; // LiteGraph's modes

/** Whether a link gives that input, so that its widget's value is not what counts. @param {ComfyNode} node @param {string} name */
export function isLinked(node, name) {
  const slot = node.inputs?.find((input) => (input.widget?.name ?? input.name) === name);
  return slot?.link !== null && slot?.link !== undefined;
}

/** The node whose output is linked to that input, if any that is neither muted nor bypassed. @param {ComfyNode} node @param {string} name */
export function sourceOf(node, name) {
  const slot = node.inputs?.findIndex((input) => input.name === name) ?? -1;
  const origin = slot < 0 ? undefined : node.getInputNode?.(slot);
  return origin?.mode === NEVER || origin?.mode === BYPASSED ? undefined : origin;
}
