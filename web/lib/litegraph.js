/** What the pack asks of LiteGraph, on whose canvas the classic renderer draws. */

/** Whether nodes are drawn as DOM (Nodes 2.0) and not on the canvas. */
export function isVueNodes() {
  return Boolean(window.LiteGraph?.vueNodesMode);
}

/** How high and in what letters the canvas draws a socket's name. */
export function socketLook() {
  const { NODE_SLOT_HEIGHT = 20, NODE_TEXT_COLOR = "#AAA", NODE_SUBTEXT_SIZE = 12, NODE_FONT = "sans-serif" } = window.LiteGraph ?? {};
  return { height: NODE_SLOT_HEIGHT, color: NODE_TEXT_COLOR, font: `${NODE_SUBTEXT_SIZE}px ${NODE_FONT}` };
}
