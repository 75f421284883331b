/** Sockets in the colour of their type and titles in that of their stage, in both renderers and every palette. */
import { typeColors } from "../lib/comfy.js";
import { h } from "../lib/dom.js";

/** Titles are dark, so that the host's grey letters stand out; light palettes lighten them by themselves. */
export const STAGES = {
  dataset: "#1b333e",
  captions: "#26361c",
  training: "#3e2c19",
  evaluation: "#363112",
  seamless: "#2c2e55",
  upscale: "#3c275b",
  material: "#14362c",
};

export const TYPES = {
  TEXTURE_DATASET: "#4fb3d9",
  TILEWRIGHT_LORA_NETWORK: "#e8a33d",
  TILEWRIGHT_LORA_OPTIMIZER: "#d9694f",
  TILEWRIGHT_LORA_OBJECTIVE: "#c78be0",
  TILEWRIGHT_LORA_SAVING: "#8fb84a",
  TILEWRIGHT_LORA_GRID: "#e06a9c",
  TEXTURE_REGION: "#8a8ff0",
  TILEWRIGHT_SURFACE: "#35b58c",
};

/** As an extension of the editor. @type {import("../lib/frontend").Extension} */
export const colors = {
  name: "tilewright.colors",
  setup() {
    for (const table of typeColors()) for (const [type, color] of Object.entries(TYPES)) keep(table, type, color);
    const rules = Object.entries(TYPES).map(([type, color]) => `--color-datatype-${type}: ${color};`);
    document.head.append(h("style", {}, `:root { ${rules.join(" ")} }`));
  },
  nodeCreated(node) {
    const { name, category } = node.constructor.nodeData ?? {};
    const stage = category?.split("/")[1] ?? "";
    if (name?.startsWith("Tilewright") && Object.hasOwn(STAGES, stage)) node.color ??= STAGES[/** @type {keyof typeof STAGES} */ (stage)];
  },
};

/**
 * Palettes clear the colours of types that they do not name, whenever one is chosen.
 * @param {Record<string, string>} table @param {string} type @param {string} color
 */
function keep(table, type, color) {
  let shown = color;
  Object.defineProperty(table, type, {
    configurable: true,
    enumerable: true,
    get: () => shown,
    set: (chosen) => (shown = chosen || color),
  });
}
