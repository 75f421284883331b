/**
 * Opens the pack's own graphs where they begin, large enough to read: the editor fits every template into three quarters
 * of the window, at which the classic renderer draws no text.
 *
 * `extra.tilewright.first_view` marks such a graph. The mark is taken off as it is read: what a person saves has its own
 * view.
 */
import { app } from "../../scripts/app.js";

const READABLE = 0.91; // of text in 10 px, as in notes, more than 9 px are left
const LARGEST = 1;
const MARGINS = { left: 76, top: 96, right: 24, bottom: 64 }; // CSS px: what the editor's bars cover of the canvas
const TITLE = 36; // px of a node's title, above its place

/** The box around all nodes, titles included. */
function bounds() {
  const nodes = app.graph.nodes;
  const left = Math.min(...nodes.map(({ pos }) => pos[0]));
  const top = Math.min(...nodes.map(({ pos }) => pos[1])) - TITLE;
  const right = Math.max(...nodes.map(({ pos, size }) => pos[0] + size[0]));
  const bottom = Math.max(...nodes.map(({ pos, size }) => pos[1] + size[1]));
  return { left, top, width: right - left, height: bottom - top };
}

/** All of the graph where that can be read; else its upper left, where its note and first steps stand. */
function showFirst() {
  const { canvas } = app;
  const free = {
    width: canvas.canvas.clientWidth - MARGINS.left - MARGINS.right,
    height: canvas.canvas.clientHeight - MARGINS.top - MARGINS.bottom,
  };
  const box = bounds();
  const fitting = Math.min(free.width / box.width, free.height / box.height);
  const scale = Math.min(LARGEST, Math.max(READABLE, fitting));
  const spare = { x: Math.max(0, free.width - box.width * scale), y: Math.max(0, free.height - box.height * scale) };
  canvas.ds.scale = scale;
  canvas.ds.offset[0] = (MARGINS.left + spare.x / 2) / scale - box.left;
  canvas.ds.offset[1] = (MARGINS.top + spare.y / 2) / scale - box.top;
  canvas.setDirty(true, true);
}

app.registerExtension({
  name: "tilewright.first_view",
  afterConfigureGraph() {
    if (!app.graph.extra?.tilewright?.first_view) return;
    delete app.graph.extra.tilewright;
    if (!app.extensionManager.setting.get("Comfy.EnableWorkflowViewRestore")) return;
    // The editor fits the graph now, or with the next frame.
    requestAnimationFrame(() => requestAnimationFrame(showFirst));
  },
});
