/** What the pack touches of ComfyUI's frontend, in our own words; lib/comfy.js is the only file that does. */

export interface ComfyWidget {
  name: string;
  type: string;
  value: unknown;
  serialize?: boolean;
  hidden?: boolean;
  label?: string;
  linkedWidgets?: ComfyWidget[];
  computeLayoutSize?(): unknown;
  element?: HTMLElement;
  _state?: { options?: Record<string, unknown> };
  onRemove?(): void;
  options: Record<string, unknown>;
  callback?: ((value: unknown, ...rest: unknown[]) => void) | undefined;
}

export interface ComfyGraph {
  id?: string;
  isRootGraph?: boolean;
  extra?: { tilewright?: { first_view?: boolean } };
  nodes: ComfyNode[];
  subgraphs?: Map<string, ComfyGraph>;
  getNodeById(id: string | number): ComfyNode | null | undefined;
  setDirtyCanvas?(front: boolean, back?: boolean): void;
}

export interface ComfySlot {
  name: string;
  type?: unknown;
  link?: number | null;
  widget?: { name: string };
}

/** What the server told of a node class: `input.required.steps` is `["INT", { default: 20 }]`. */
export interface NodeData {
  name?: string;
  category?: string;
  output_node?: boolean;
  input?: { required?: Record<string, [unknown, any?]>; optional?: Record<string, [unknown, any?]> };
}

export interface ComfyNode {
  id: string | number;
  type: string;
  title: string;
  pos: [number, number];
  comfyClass?: string;
  mode?: number;
  size: [number, number];
  widgets?: ComfyWidget[];
  inputs?: ComfySlot[];
  outputs?: ComfySlot[];
  color?: string;
  showAdvanced?: boolean;
  flags?: { collapsed?: boolean };
  hideOutputImages?: boolean;
  getInputNode?(slot: number): ComfyNode | null | undefined;
  properties: Record<string, unknown>;
  graph?: ComfyGraph | null;
  subgraph?: ComfyGraph;
  constructor: { nodeData?: NodeData };
  addWidget(
    type: string,
    name: string,
    value: unknown,
    callback: () => void,
    options: Record<string, unknown>,
  ): ComfyWidget;
  addDOMWidget(name: string, type: string, element: HTMLElement, options: Record<string, unknown>): ComfyWidget;
  computeSize(): [number, number];
  setSize(size: [number, number]): void;
  onAdded?: ((...given: unknown[]) => void) | undefined;
  onRemoved?: ((...given: unknown[]) => void) | undefined;
  onConfigure?: ((...given: unknown[]) => void) | undefined;
  onExecuted?: ((output: NodeOutput) => void) | undefined;
}

/** What a node gave out as `ui`: every value is a list. */
export type NodeOutput = Record<string, unknown[]>;

export interface Extension {
  name: string;
  setup?(): void | Promise<void>;
  nodeCreated?(node: ComfyNode): void;
  onNodeOutputsUpdated?(outputs: Record<string, NodeOutput>): void;
  [hook: string]: unknown;
}

/** Why the server refused a node. */
export interface NodeErrors {
  class_type: string;
  errors: { message: string; details: string; extra_info?: { input_name?: string } }[];
}

export interface ComfyApp {
  graph: ComfyGraph;
  rootGraph?: ComfyGraph;
  nodeOutputs?: Record<string, NodeOutput>;
  canvas: {
    canvas: HTMLCanvasElement;
    ds: { scale: number; offset: [number, number] };
    processMouseWheel(event: WheelEvent): void;
    processMouseDown(event: PointerEvent): void;
    processMouseMove(event: PointerEvent): void;
    processMouseUp(event: PointerEvent): void;
    setDirty(front: boolean, back?: boolean): void;
    centerOnNode?(node: ComfyNode): void;
    default_connection_color_byType?: Record<string, string>;
    constructor: { link_type_colors?: Record<string, string> };
  };
  extensionManager: {
    setting: { get(id: string): unknown; set?(id: string, value: unknown): void };
    toast: { add(message: Record<string, unknown>): void };
    registerSidebarTab?(tab: Record<string, unknown>): void;
  };
  registerExtension(extension: Extension): void;
  ui?: { settings?: { addEventListener?(type: string, listener: () => void): void } };
  queuePrompt(number: number, count?: number): Promise<unknown>;
  lastNodeErrors?: Record<string, NodeErrors> | null;
}

export interface ComfyApi extends EventTarget {
  fetchApi(route: string, options?: RequestInit): Promise<Response>;
  getWorkflowTemplates?(): Promise<Record<string, string[]>>;
  apiURL(route: string): string;
  addEventListener(type: string, listener: (event: any) => void, options?: AddEventListenerOptions): void;
}

declare global {
  interface Window {
    LiteGraph?: {
      vueNodesMode?: boolean;
      NODE_SLOT_HEIGHT?: number;
      NODE_TEXT_COLOR?: string;
      NODE_SUBTEXT_SIZE?: number;
      NODE_FONT?: string;
    };
  }
}
