/**
 * A text box that a link gives: the classic canvas hides the box and leaves its room empty, beside a socket without a name.
 * Here such an input is as high as a socket, and named: by its node, since newer canvases do not draw such a box at all.
 * Nodes 2.0 shows the box, greyed out.
 */
import { isLinked } from "../lib/links.js";
import { isVueNodes, socketLook } from "../lib/litegraph.js";
import { chain } from "../lib/nodes.js";

/** @typedef {import("../lib/frontend").ComfyNode} ComfyNode */
/** @typedef {import("../lib/frontend").ComfyWidget} ComfyWidget */

const GAP = 4; // px that the canvas leaves between two widgets

/** Shrinks a text box of a node for as long as a link gives it. @param {ComfyNode} node @param {ComfyWidget} widget */
export function shrinkWhileLinked(node, widget) {
  if (!(widget.element instanceof HTMLTextAreaElement)) return;
  const shrunk = () => !isVueNodes() && isLinked(node, widget.name);
  for (const bound of ["getMinHeight", "getMaxHeight"]) {
    const own = /** @type {(() => number) | undefined} */ (widget.options[bound]);
    widget.options[bound] = () => (shrunk() ? socketLook().height + GAP : own?.());
  }
  chain(node, "onDrawForeground", (context, canvas) => {
    const { low_quality } = /** @type {{low_quality?: boolean}} */ (canvas ?? {});
    if (shrunk() && !low_quality && !node.flags?.collapsed) writeName(/** @type {CanvasRenderingContext2D} */ (context), widget);
  });
}

/** Where the canvas writes it beside other sockets. @param {CanvasRenderingContext2D} context @param {ComfyWidget} widget */
function writeName(context, widget) {
  const { height, color, font } = socketLook();
  context.save();
  Object.assign(context, { globalAlpha: 1, fillStyle: color, font, textAlign: "left", textBaseline: "alphabetic" });
  context.fillText(widget.label ?? widget.name, height, Number(widget.y) + height / 2 + 5);
  context.restore();
}
