/**
 * Where a view's element stands. In Nodes 2.0 an element is put into its node when the node is first drawn; where one workflow
 * follows another and a node has the same number, the editor goes on with what it drew, and so with the earlier view's element.
 */

const FRAMES = 90; // for which a place that an ended view still holds is looked for

/** @typedef {import("./comfy.js").NodeView} NodeView */

/** Once the node is drawn: gives the view the room that it needs, and its place. @param {NodeView} view */
export function settle(view) {
  requestAnimationFrame(() => {
    if (view.signal.aborted) return;
    const { node } = view;
    const [, least] = node.computeSize(); // more than when the view was put in, or than in an earlier version's workflow
    if (node.size[1] < least && !node.flags?.collapsed) node.setSize([node.size[0], least]);
    takePlaceOfEnded(view);
  });
}

/**
 * Puts the element of `view` into the place that an ended view of the same kind holds in the node of that number, as soon as
 * there is one; nothing where the editor has put it there itself.
 * @param {NodeView} view
 */
function takePlaceOfEnded(view, frames = FRAMES) {
  if (view.signal.aborted || view.root.isConnected || !frames) return;
  const held = [...document.querySelectorAll(`[data-node-id="${view.node.id}"] .tilewright-view`)];
  const ended = held.find((root) => root instanceof HTMLElement && root.dataset.view === view.kind.name && root.dataset.ended);
  if (ended) ended.replaceWith(view.root);
  else requestAnimationFrame(() => takePlaceOfEnded(view, frames - 1));
}
