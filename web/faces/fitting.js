/**
 * Nodes show the widgets that act: a setting of another mode is hidden, and an advanced one until it is asked for.
 *
 * Values, their order and what is queued stay as they are. Nodes 2.0 folds advanced widgets by itself; on the classic
 * canvas the pack's nodes get a button that does.
 */
import { everyNode, isVueNodes, onSetting, redraw, setting } from "../lib/comfy.js";
import { t } from "../lib/i18n.js";
import { isLinked } from "../lib/links.js";
import { chain, inputFacts } from "../lib/nodes.js";
import { shrinkWhileLinked } from "./linked_text.js";

/** @typedef {import("../lib/frontend").ComfyNode} ComfyNode */
/** @typedef {import("../lib/frontend").ComfyWidget} ComfyWidget */

const OURS = "Tilewright";
const FOLD = "tilewright_fold";
const ALWAYS = "Comfy.Node.AlwaysShowAdvancedWidgets";

/** As an extension of the editor. @type {import("../lib/frontend").Extension} */
export const fitting = {
  name: "tilewright.fitting",
  setup() {
    for (const id of ["Comfy.VueNodes.Enabled", ALWAYS]) onSetting(id, fitAll);
  },
  nodeCreated(node) {
    if (!isOurs(node)) return;
    addFold(node);
    follow(node);
    fit(node);
    node.setSize([node.size[0], heightOf(node, true)]);
  },
  loadedGraphNode: keepHeight,
  afterConfigureGraph: fitAll, // links come after their nodes
};

/** @param {ComfyNode} node */
function isOurs(node) {
  return Boolean(node.constructor.nodeData?.name?.startsWith(OURS));
}

function fitAll() {
  for (const node of everyNode()) if (isOurs(node)) fit(node);
}

/**
 * Whether an input does anything beside the node's other values; one that is linked is always shown.
 * @param {ComfyNode} node @param {string} name
 */
export function acts(node, name) {
  const conditions = Object.entries(inputFacts(node, name).shown_where ?? {});
  return isLinked(node, name) || conditions.every(([other, asked]) => holds(node, other, asked));
}

/** @param {ComfyNode} node @param {string} other @param {boolean | unknown[]} asked */
function holds(node, other, asked) {
  const widget = node.widgets?.find((one) => one.name === other);
  if (!widget) return isLinked(node, other) === asked;
  if (isLinked(node, other)) return true; // its value is not known before it runs
  return Array.isArray(asked) ? asked.includes(widget.value) : Boolean(widget.value) === asked;
}

/** Hides and shows the widgets of a node. On the classic canvas it grows and shrinks with them. @param {ComfyNode} node */
export function fit(node) {
  const before = node.computeSize()[1];
  const folds = isFolding(node);
  let changed = false;
  for (const widget of node.widgets ?? []) {
    if (widget.name === FOLD || isControl(node, widget)) continue;
    const acting = acts(node, widget.name);
    const away = folds && isAdvanced(widget) && !isLinked(node, widget.name);
    forgetOthers(widget);
    for (const one of [widget, ...(widget.linkedWidgets ?? [])]) changed = setHidden(one, !acting || away) || changed;
  }
  changed = setFold(node) || changed;
  if (!changed) return;
  if (!isVueNodes()) node.setSize([node.size[0], node.size[1] + node.computeSize()[1] - before]);
  redraw();
}

/**
 * How high a node is with the widgets that are shown at first, or with all of them.
 * @param {ComfyNode} node @param {boolean} folded
 */
function heightOf(node, folded) {
  const widgets = node.widgets ?? [];
  const before = widgets.map((one) => Boolean(one.options?.hidden ?? one.hidden)); // a link may hide it, too
  for (const widget of widgets) setHidden(widget, folded && isAway(node, widget));
  const [, height] = node.computeSize();
  widgets.forEach((widget, at) => setHidden(widget, before[at]));
  return height;
}

/** Whether a fresh node hides a widget, or what controls it. @param {ComfyNode} node @param {ComfyWidget} widget */
function isAway(node, widget) {
  if (widget.name === FOLD) return isVueNodes(); // it has a button of its own
  const owner = node.widgets?.find((one) => one.linkedWidgets?.includes(widget)) ?? widget;
  return isAdvanced(owner) || !acts(node, owner.name);
}

/**
 * A graph that was saved with every widget shown would keep the room of those that are folded now.
 * @param {ComfyNode} node
 */
function shrink(node) {
  const grows = node.widgets?.some((one) => one.computeLayoutSize || one.element); // text, views: made as high as they are
  if (grows || node.showAdvanced || node.constructor.nodeData?.output_node || setting(ALWAYS)) return;
  if (node.size[1] >= heightOf(node, false)) node.setSize([node.size[0], heightOf(node, true)]);
}

/** @type {WeakMap<ComfyNode, number>} */
const SAVED = new WeakMap();

/**
 * The editor makes a loaded node as high as the canvas needs with every widget shown. Nodes 2.0 grow by themselves, so
 * that there it would stand as empty room.
 * @param {ComfyNode} node
 */
function keepHeight(node) {
  const saved = SAVED.get(node);
  if (isVueNodes() && saved !== undefined && node.size[1] > saved) node.setSize([node.size[0], saved]);
}

/** Whether a widget stands beside another as its control, as that of a seed. @param {ComfyNode} node @param {ComfyWidget} widget */
function isControl(node, widget) {
  return node.widgets?.some((one) => one.linkedWidgets?.includes(widget));
}

/** @param {ComfyWidget} widget */
function isAdvanced(widget) {
  return Boolean(widget.options?.advanced);
}

/**
 * ComfyUI's store may still hold what a widget of that name was on another node of this id, in a graph that was cleared.
 * @param {ComfyWidget} widget
 */
function forgetOthers(widget) {
  const kept = widget._state?.options;
  if (kept && widget.options && kept.advanced !== widget.options.advanced) kept.advanced = widget.options.advanced;
}

/**
 * Both renderers: the canvas reads the widget, Nodes 2.0 the options, and those as its store holds them.
 * @param {ComfyWidget} widget @param {boolean} hidden @returns {boolean} whether that is new
 */
function setHidden(widget, hidden) {
  const kept = widget._state?.options;
  if (Boolean(widget.hidden) === hidden && Boolean(widget.options?.hidden) === hidden && Boolean(kept?.hidden) === hidden)
    return false;
  widget.hidden = hidden;
  // The store's first: what it keeps may be the widget's own object, and a change that it finds there already draws nothing.
  for (const options of [kept, widget.options]) if (options) options.hidden = hidden;
  return true;
}

/** The button below the widgets, which only the classic canvas needs. @param {ComfyNode} node */
function addFold(node) {
  if (!node.widgets?.some(isAdvanced)) return;
  const turn = () => {
    node.showAdvanced = !node.showAdvanced;
    fit(node);
  };
  const options = { serialize: false, canvasOnly: true, hideInPanel: true };
  const button = node.addWidget("button", FOLD, null, turn, options);
  button.serialize = false;
  const views = node.widgets.findIndex((one) => one.serialize === false && one.type !== "button" || one === button);
  node.widgets.splice(views, 0, ...node.widgets.splice(node.widgets.indexOf(button), 1));
}

/** @param {ComfyNode} node */
function foldButton(node) {
  return node.widgets?.find((one) => one.name === FOLD);
}

/** Whether the canvas shows a node without its advanced widgets. @param {ComfyNode} node */
function isFolding(node) {
  return !isVueNodes() && !node.showAdvanced && !setting(ALWAYS);
}

/** How many advanced widgets have an effect, folded or not. @param {ComfyNode} node */
function foldedCount(node) {
  const others = (node.widgets ?? []).filter((one) => one.name !== FOLD && !isControl(node, one));
  return others.filter((one) => isAdvanced(one) && acts(node, one.name)).length;
}

/** What the button says; ComfyUI's store may hold the words of an earlier node of this id. @param {ComfyNode} node @returns {boolean} whether that is new */
function sayFold(node) {
  const button = foldButton(node);
  if (!button) return false;
  const label = isFolding(node) ? t("{count} advanced setting | {count} advanced settings", { count: foldedCount(node) }) : t("Fewer settings");
  const changed = button.label !== label;
  button.label = label;
  return changed;
}

/** The button's words, and whether it is shown. @param {ComfyNode} node @returns {boolean} whether that is new */
function setFold(node) {
  const button = foldButton(node);
  if (!button) return false;
  const changed = sayFold(node);
  const needless = isVueNodes() || !foldedCount(node) || Boolean(setting(ALWAYS));
  return setHidden(button, needless) || changed;
}

/** @type {WeakSet<ComfyWidget>} */
const FOLLOWED = new WeakSet();

/** Fits a node again when a value that others hang on, a link or the fold changes. @param {ComfyNode} node */
function follow(node) {
  const later = () => setTimeout(() => fit(node));
  const watch = () => {
    for (const widget of node.widgets ?? []) {
      if (FOLLOWED.has(widget)) continue;
      FOLLOWED.add(widget);
      shrinkWhileLinked(node, widget);
      chain(widget, "callback", later);
    }
  };
  watch();
  chain(node, "onAdded", () => setTimeout(() => sayFold(node)));
  chain(node, "onConnectionsChange", later);
  chain(node, "onConfigure", () => {
    watch();
    shrink(node);
    const [width, height] = node.size; // saved with the widgets that its values show
    SAVED.set(node, height);
    fit(node);
    if (!isVueNodes()) node.setSize([width, Math.max(height, node.computeSize()[1])]);
  });
}
