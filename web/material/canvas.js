/** The 2D canvas that a view shows: its sharpness, its background, and a picture of it for a file. */
import { debounced } from "../lib/dom.js";

const BACKGROUNDS = { dark: ["#565a61", "#1b1c1f"], light: ["#f4f5f6", "#b4b8be"] };
const LARGEST = 2048; // pixels of a side

const MOMENT = 40; // ms that a picture may take while it moves
const STILL = 250; // ms without another picture, after which nothing moves
const COARSEST = 0.3; // of the pixels along a side

/** Coarse pictures while something moves, where whole ones take longer than a moment; the whole one once it is still. */
export class Pace {
  /** @param {AbortSignal} signal @param {() => void} settled draws the whole picture */
  constructor(signal, settled) {
    this.cost = 0; // ms of a whole picture
    this.drawn = -Infinity;
    this.share = 1;
    this.settle = debounced(settled, STILL, signal);
  }

  /** @param {(share: number) => void} draw with this share of the pixels along a side */
  draw(draw) {
    const begun = performance.now();
    const isMoving = begun - this.drawn < STILL;
    this.share = isMoving && this.cost > MOMENT ? Math.max(COARSEST, Math.sqrt(MOMENT / this.cost)) : 1;
    draw(this.share);
    this.drawn = performance.now();
    const took = (this.drawn - begun) / this.share ** 2;
    this.cost = this.cost && this.share < 1 ? (this.cost + took) / 2 : took;
    if (this.share < 1) this.settle();
  }
}

/** As many pixels as the screen has there, however far the graph is zoomed in, or a share of them. @param {HTMLCanvasElement} canvas */
export function sharpened(canvas, share = 1) {
  const { width, height } = canvas.getBoundingClientRect();
  const scale = share * Math.min(window.devicePixelRatio, LARGEST / Math.max(width, height, 1));
  const [columns, rows] = [Math.max(16, Math.round(width * scale)), Math.max(16, Math.round(height * scale))];
  if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
}

/** @param {CanvasRenderingContext2D} context @param {string} theme "dark" or "light" */
export function painted(context, theme) {
  const { width, height } = context.canvas;
  const [inner, outer] = BACKGROUNDS[/** @type {keyof typeof BACKGROUNDS} */ (theme)];
  const gradient = context.createRadialGradient(width / 2, 0.4 * height, 0, width / 2, 0.4 * height, 0.8 * Math.hypot(width, height));
  gradient.addColorStop(0, inner);
  gradient.addColorStop(1, outer);
  context.fillStyle = gradient;
  context.fillRect(0, 0, width, height);
}

/**
 * A PNG of the scene in the shape of `canvas`, its longer side 2048 pixels.
 * @param {import("./material_scene.js").MaterialScene} scene @param {(aspect: number) => void} arrange @param {string} theme
 * @param {HTMLCanvasElement} canvas @returns {Promise<Blob>}
 */
export async function savedPicture(scene, arrange, theme, canvas) {
  const large = document.createElement("canvas");
  const scale = LARGEST / Math.max(canvas.width, canvas.height);
  Object.assign(large, { width: Math.round(scale * canvas.width), height: Math.round(scale * canvas.height) });
  const context = /** @type {CanvasRenderingContext2D} */ (large.getContext("2d"));
  painted(context, theme);
  arrange(large.width / large.height);
  scene.studio.draw(scene, context);
  return new Promise((done, failed) => large.toBlob((blob) => (blob ? done(blob) : failed(new Error("no picture"))), "image/png"));
}
