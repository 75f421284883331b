/** What can be told of a node, and added to it, by the node alone. */

/** @typedef {import("./frontend").ComfyNode} ComfyNode */
/** @typedef {import("./frontend").ComfyWidget} ComfyWidget */

/**
 * The widgets of a node with what the server says of their inputs.
 * @param {ComfyNode} node @returns {{ widget: ComfyWidget, facts: Record<string, any> }[]}
 */
export function everyWidget(node) {
  return (node.widgets ?? []).map((widget) => ({ widget, facts: inputFacts(node, widget.name) }));
}

/** What the server says of an input: its default, range and choices. @param {ComfyNode} node @param {string} name */
export function inputFacts(node, name) {
  const { required, optional } = node.constructor.nodeData?.input ?? {};
  return (required?.[name] ?? optional?.[name])?.[1] ?? {};
}

/**
 * Adds to what a callback of an object does.
 * @param {any} object @param {string} name @param {(...given: unknown[]) => void} added
 */
export function chain(object, name, added) {
  const before = object[name];
  object[name] = function (/** @type {unknown[]} */ ...given) {
    const result = before?.apply(this, given);
    added(...given);
    return result;
  };
}

/**
 * Whether the node gets that kind of view, by its class or by what it gives out.
 * @param {{nodes: string[], output?: string, except?: string[]}} kind @param {import("./frontend").ComfyNode} node @param {string} type its class
 */
export function isFor({ nodes, output, except }, node, type) {
  const gives = Boolean(output) && type.startsWith("Tilewright") && node.outputs?.some((one) => one.type === output);
  return nodes.includes(type) || (Boolean(gives) && !except?.includes(type));
}
