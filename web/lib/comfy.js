/**
 * The one file that knows ComfyUI's frontend: its app, its nodes, its widgets, its connection to the server.
 *
 * A view is a DOM element in a node, drawn alike by the classic canvas and by Nodes 2.0. Its state lies in plain widget
 * values, in `node.properties` or in files: nothing of it is in the workflow as a widget value of its own.
 */
import { app } from "../../../scripts/app.js";
import { api } from "../../../scripts/api.js";
import { h, loadStyles } from "./dom.js";
import { guardEvents } from "./guards.js";
import { loadWords, t } from "./i18n.js";
import { isVueNodes } from "./litegraph.js";
import { chain, isFor } from "./nodes.js";
import { settle } from "./places.js";

export { isVueNodes };

/** @typedef {import("./frontend").ComfyNode} ComfyNode */
/** @typedef {import("./frontend").ComfyWidget} ComfyWidget */
/** @typedef {import("./frontend").NodeOutput} NodeOutput */

/**
 * What a mounted view wants to be told.
 * @typedef {object} Mounted
 * @property {(output: NodeOutput) => void} [output] what the node gave out: live, cached, on a tab switch, from history
 * @property {() => void} [values] the node's widget values may have changed
 */

/**
 * @typedef {object} ViewKind
 * @property {string} name the widget's name, unique within its nodes
 * @property {string[]} nodes node classes that get the view
 * @property {string} [output] @property {string[]} [except] every node of the pack that gives out this type gets it too, but these
 * @property {number} height least height in CSS px
 * @property {number} [width] least width in CSS px
 * @property {boolean} [ownsPictures] shows better what ComfyUI would show of the node's pictures below it
 * @property {(view: NodeView) => Mounted | void} mount fills `view.root`; listeners take `view.signal`
 */

/** @type {Set<NodeView>} */
const LIVE = new Set();

/** One view in one node. It is mounted when the node comes into a graph and ended when it leaves. */
export class NodeView {
  /** @param {ComfyNode} node @param {ViewKind} kind */
  constructor(node, kind) {
    this.node = node;
    this.kind = kind;
    this.root = h("div", { class: "tilewright tilewright-view", tabindex: "0", "data-capture-wheel": "true", "data-view": kind.name });
    this.root.style.minHeight = `${kind.height}px`;
    this.root.style.setProperty("--comfy-widget-min-height", String(kind.height));
    /** @type {Mounted} */
    this.mounted = {};
    this.ending = new AbortController();
    this.ending.abort();
    guardEvents(this.root, () => (isVueNodes() ? null : app.canvas));
    if (kind.ownsPictures) Object.assign(node, { hideOutputImages: true, onDrawBackground() {} }); // in Nodes 2.0; on the canvas
    this.widget = node.addDOMWidget(kind.name, `TILEWRIGHT_${kind.name.toUpperCase()}`, this.root, {
      serialize: false, // not in the prompt, where it would change what is cached
      hideInPanel: true, // the side panel would give its own width to the widget in the node
      hideOnZoom: true,
      getMinHeight: () => kind.height,
    });
    this.widget.serialize = false; // not in the workflow
    this.#followNode();
    this.#followValues();
    const [width, height] = node.computeSize();
    node.setSize([Math.max(node.size[0], width, kind.width ?? 0), Math.max(node.size[1], height)]);
  }

  /** Aborted when the node leaves its graph: pass it to every listener, request and timer. */
  get signal() {
    return this.ending.signal;
  }

  /** @param {string} name */
  widgetNamed(name) {
    return this.node.widgets?.find((widget) => widget.name === name);
  }

  /** The value of one of the node's own widgets. @param {string} name */
  value(name) {
    return this.widgetNamed(name)?.value;
  }

  /** Sets one of the node's own widgets, as a person would. @param {string} name @param {unknown} value */
  setValue(name, value) {
    const widget = this.widgetNamed(name);
    if (!widget || widget.value === value) return;
    widget.value = value;
    widget.callback?.(value);
    app.canvas?.setDirty(true, true);
  }

  /** What `remember` kept with the workflow. @returns {any} */
  get remembered() {
    return this.node.properties[`tilewright.${this.kind.name}`];
  }

  /** Keeps names of files or a camera with the workflow, for the next time it is opened. @param {unknown} value */
  remember(value) {
    this.node.properties[`tilewright.${this.kind.name}`] = value;
  }

  /** What the node last gave out in this session, undefined for nothing. @returns {NodeOutput | undefined} */
  get lastOutput() {
    return app.nodeOutputs?.[locatorOf(this.node)];
  }

  #mount() {
    if (!this.signal.aborted) return;
    this.ending = new AbortController();
    LIVE.add(this);
    this.root.replaceChildren();
    delete this.root.dataset.ended;
    this.mounted = this.kind.mount(this) ?? {};
    settle(this);
    const output = this.lastOutput;
    if (output) this.mounted.output?.(output);
  }

  /** Takes the view out of use until its node comes into a graph again. */
  end() {
    LIVE.delete(this);
    this.ending.abort();
    this.mounted = {};
    this.root.dataset.ended = "true";
    this.root.replaceChildren();
  }

  #followNode() {
    const { node } = this;
    chain(node, "onAdded", () => this.#mount());
    chain(node, "onRemoved", () => this.end());
    chain(node, "onExecuted", (output) => output && this.mounted.output?.(/** @type {NodeOutput} */ (output)));
    chain(node, "onConfigure", () => {
      this.#stayLast();
      this.#followValues();
      this.mounted.values?.();
      const output = this.lastOutput;
      if (output) this.mounted.output?.(output);
    });
    if (node.graph) this.#mount();
  }

  /** Widgets that come later (a dynamic combo's) would else be saved one place off. */
  #stayLast() {
    const widgets = this.node.widgets;
    const at = widgets?.indexOf(this.widget) ?? -1;
    if (widgets && at >= 0 && at < widgets.length - 1) widgets.push(...widgets.splice(at, 1));
  }

  /** @type {WeakSet<ComfyWidget>} */
  #followed = new WeakSet();

  #followValues() {
    for (const widget of this.node.widgets ?? []) {
      if (widget === this.widget || this.#followed.has(widget)) continue;
      this.#followed.add(widget);
      chain(widget, "callback", () => this.mounted.values?.());
    }
  }
}

/**
 * Offers kinds of views; called once by the pack's entry.
 * @param {ViewKind[]} kinds
 * @param {string[]} events names of the server's events, such as "tilewright.run": unknown ones are errors to ComfyUI
 * @param {string} name ComfyUI's name for them
 */
export function registerViews(kinds, events = [], name = "tilewright.views") {
  app.registerExtension({
    name,
    async setup() {
      for (const event of events) api.addEventListener(event, () => {});
      loadStyles();
      await ourWords();
    },
    nodeCreated(node) {
      const type = node.comfyClass ?? node.constructor.nodeData?.name ?? node.type;
      for (const kind of kinds) if (isFor(kind, node, type)) new NodeView(node, kind);
      setTimeout(endStrays);
    },
    afterConfigureGraph: endStrays,
    onNodeOutputsUpdated(outputs) {
      for (const view of LIVE) {
        const output = outputs[locatorOf(view.node)];
        if (output) view.mounted.output?.(output);
      }
    },
  });
}

/** ComfyUI does not tell the nodes within subgraphs that their workflow was closed. */
function endStrays() {
  const root = app.rootGraph ?? app.graph;
  const graphs = new Set([root, ...(root.subgraphs?.values() ?? [])]);
  for (const view of LIVE) {
    if (view.node.graph && graphs.has(view.node.graph)) continue;
    view.end();
    view.widget.onRemove?.(); // or the canvas would keep its element
    view.root.remove();
  }
}

/** Views that are in a graph now: for tests of what stays behind. */
export function liveViews() {
  return [...LIVE];
}

/** `7` in the root graph, `<subgraph's id>:7` in another: by this ComfyUI files what nodes gave out. @param {ComfyNode} node */
export function locatorOf(node) {
  const graph = node.graph;
  const root = app.rootGraph ?? app.graph;
  return !graph || graph === root || graph.isRootGraph ? String(node.id) : `${graph.id}:${node.id}`;
}

/** @returns {string} "en", "zh", ... */
export function locale() {
  return String(app.extensionManager?.setting?.get("Comfy.Locale") ?? "en");
}

/** @param {"success"|"info"|"warn"|"error"} severity @param {string} summary @param {string} detail */
export function toast(severity, summary, detail = "") {
  app.extensionManager.toast.add({ severity, summary, detail, life: severity === "error" ? 20000 : 5000 });
}

/** An address of the server behind whatever base path. @param {string} path "/tilewright/..." */
export function serverAddress(path) {
  return api.apiURL(path);
}

/** @param {string} path @param {RequestInit} [options] */
export function fetchServer(path, options) {
  return api.fetchApi(path, options);
}

/**
 * The server's events, and "reconnected", "status", ...
 * @param {string} type @param {(detail: any) => void} listener @param {AbortSignal} signal
 */
export function onServer(type, listener, signal) {
  if (signal.aborted) return;
  const heard = (/** @type {any} */ event) => listener(event.detail);
  api.addEventListener(type, heard);
  signal.addEventListener("abort", () => api.removeEventListener(type, heard), { once: true });
}

/** @type {Promise<void> | null} */
let words = null;

/** Waits until the words of the user's language are there. */
function ourWords() {
  words ??= loadWords(locale(), () => api.fetchApi("/i18n"));
  return words;
}

/** A tab of the side bar; title and tooltip are English. @param {{id: string, icon: string, title: string, tooltip: string, render: (root: HTMLElement) => void, destroy?: () => void}} tab */
export async function addSidebarTab(tab) {
  await ourWords();
  app.extensionManager.registerSidebarTab?.({ type: "custom", ...tab, title: t(tab.title), tooltip: t(tab.tooltip) });
}

/** Queues the workflow as Run does. */
export function queue() {
  return app.queuePrompt(0);
}

/** Adds an extension that is no view. @param {import("./frontend").Extension} extension */
export function extend(extension) {
  app.registerExtension(extension);
}

/** Every node of the open workflow, those within subgraphs too. @returns {ComfyNode[]} */
export function everyNode() {
  const root = app.rootGraph ?? app.graph;
  return [root, ...(root.subgraphs?.values() ?? [])].flatMap((graph) => graph.nodes);
}

export function redraw() {
  app.canvas?.setDirty(true, true);
}

/** One of ComfyUI's own settings. @param {string} id */
export function setting(id) {
  return app.extensionManager?.setting?.get(id);
}

/** Called after a setting of ComfyUI's has changed. @param {string} id @param {() => void} changed */
export function onSetting(id, changed) {
  app.ui?.settings?.addEventListener?.(`${id}.change`, () => setTimeout(changed));
}

/** The colours of types on the classic canvas, one table for slots and one for links. @returns {Record<string, string>[]} */
export function typeColors() {
  const tables = [app.canvas?.default_connection_color_byType, app.canvas?.constructor?.link_type_colors];
  return tables.flatMap((table) => (table ? [table] : []));
}
