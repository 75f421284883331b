/** Pixels into a canvas of about the size it is seen at: a page shrinks a larger canvas by leaving pixels out, which makes noise. */
import { lit } from "./normals.js";

/** @typedef {{convention: string, azimuth: number, elevation: number}} Light on the relief of a normal map */

const SHARPER = 1.5; // canvas pixels a pixel of the page, for a look closer

/** @param {HTMLCanvasElement} canvas @param {Uint8ClampedArray} pixels R, G, B and 255 @param {number} width @param {number} height of the picture */
export function drawPicture(canvas, pixels, width, height) {
  const whole = new OffscreenCanvas(width, height);
  whole.getContext("2d")?.putImageData(new ImageData(/** @type {any} */ (pixels), width, height), 0, 0);
  const room = Math.max(canvas.clientWidth / width, canvas.clientHeight / height);
  const scale = room ? Math.min(1, room * SHARPER * devicePixelRatio) : 1;
  const size = { width: Math.max(1, Math.round(scale * width)), height: Math.max(1, Math.round(scale * height)) };
  if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.imageSmoothingQuality = "high";
  context.drawImage(whole, 0, 0, size.width, size.height);
}

/** A picture that is drawn anew only where its pixels, its light or its room are not those of the last time. */
export class Picture {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.look = "";
    /** @type {Uint8ClampedArray | undefined} */
    this.pixels = undefined;
  }

  /** @param {Uint8ClampedArray} pixels @param {[number, number]} size width and height @param {Light | null} light */
  show(pixels, size, light) {
    const { canvas } = this;
    const look = JSON.stringify([light, canvas.clientWidth, canvas.clientHeight, devicePixelRatio]);
    if (pixels === this.pixels && look === this.look) return;
    [this.pixels, this.look] = [pixels, look];
    drawPicture(canvas, light ? lit(pixels, light.convention, light) : pixels, ...size);
    canvas.dataset.drawn = String(Number(canvas.dataset.drawn ?? 0) + 1);
  }

  clear() {
    this.pixels = undefined;
    this.canvas.width = 16; // which empties it
    this.canvas.removeAttribute("aria-label");
  }
}
