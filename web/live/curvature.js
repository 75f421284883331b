/** Curvature in the browser: material/curvature.py; what did not change is not computed again. */
import { gaussianBlur } from "./fourier.js";
import { greyPixels } from "./pixels.js";
import { ranked } from "./ranks.js";
import { KERNELS, extended, wrapping } from "./slopes.js";

/** @typedef {import("./fourier.js").Plane} Plane */
/**
 * The node's widgets.
 * @typedef {object} Settings
 * @property {string} axes @property {number} height_cm @property {number} size_cm @property {number} smooth_cm @property {number} full_radius_cm
 */

const SLOPE = KERNELS.eighth_order.slope;
const REACH = SLOPE.length;
const BEND = [8 / 5, -1 / 5, 8 / 315, -1 / 560]; // of the two neighbours at each distance, less the middle

export class LiveCurvature {
  /** @param {Plane} height */
  constructor(height) {
    this.height = { ...height, values: Float64Array.from(height.values) };
    this.smoothOf = "";
  }

  /** @param {Settings} settings @returns {Generator<import("./map_worker.js").Made>} */
  *maps(settings) {
    const ridges = this.#ridges(settings);
    const full = settings.full_radius_cm > 0 ? 1 / settings.full_radius_cm : rangeOf(ridges);
    const part = full > 0 ? ridges.map((value) => Math.max(-1, Math.min(1, value / full))) : ridges;
    const pictures = {
      curvature: greyPixels(part, (value) => 0.5 + value / 2),
      convexity: greyPixels(part, (value) => Math.max(0, value)),
      concavity: greyPixels(part, (value) => Math.max(0, -value)),
      cavity: greyPixels(part, (value) => 1 - Math.max(0, -value)),
    };
    yield { pictures };
  }

  /** Mean curvature in 1/cm, ridges above 0. @param {Settings} settings */
  #ridges({ axes, height_cm, size_cm, smooth_cm }) {
    const wrap = wrapping(axes);
    const pixelsPerCm = this.height.width / size_cm;
    const smoothOf = JSON.stringify([axes, smooth_cm * pixelsPerCm]);
    if (smoothOf !== this.smoothOf) {
      const smooth = gaussianBlur(this.height, (smooth_cm * pixelsPerCm) / 2, wrap);
      this.around = extended(smooth, REACH, wrap);
      this.smoothOf = smoothOf;
    }
    const bent = curvature(/** @type {Plane} */ (this.around), this.height, height_cm * pixelsPerCm);
    return bent.map((value) => -pixelsPerCm * value);
  }
}

/** @param {Plane} around @param {Plane} inner @param {number} scale @returns {Float32Array} in 1/pixel */
function curvature({ width: wide, values }, { width, height }, scale) {
  const slopes = new Float64Array(values.length); // along a row, also of the rows above and below
  for (let at = REACH; at < values.length - REACH; at += 1) slopes[at] = slope(values, at, 1);
  const result = new Float32Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = (y + REACH) * wide + x + REACH;
      const p = scale * slopes[at];
      const q = scale * slope(values, at, wide);
      const r = scale * bend(values, at, 1);
      const s = scale * slope(slopes, at, wide);
      const t = scale * bend(values, at, wide);
      result[y * width + x] = ((1 + q * q) * r - 2 * p * q * s + (1 + p * p) * t) / (2 * (1 + p * p + q * q) ** 1.5);
    }
  }
  return result;
}

/** @param {import("./fourier.js").Values} values @param {number} at @param {number} step to the next along the line */
function slope(values, at, step) {
  let sum = 0;
  for (let reach = 1; reach <= REACH; reach += 1) sum += SLOPE[reach - 1] * (values[at + reach * step] - values[at - reach * step]);
  return sum;
}

/** @param {import("./fourier.js").Values} values @param {number} at @param {number} step to the next along the line */
function bend(values, at, step) {
  let sum = 0;
  for (let reach = 1; reach <= REACH; reach += 1) sum += BEND[reach - 1] * (values[at - reach * step] - values[at] + (values[at + reach * step] - values[at]));
  return sum;
}

/** What one pixel in two hundred exceeds. @param {Float32Array} ridges */
function rangeOf(ridges) {
  const place = 0.995 * ridges.length;
  const even = Math.round(place) - (place % 1 === 0.5 && Math.round(place) % 2 ? 1 : 0); // halves to the even one, as Python does
  return ranked(ridges.map(Math.abs), [Math.max(1, even)])[0];
}
