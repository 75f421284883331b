/** Height to Normal in the browser, by the formula of nodes/material/height_to_normal.py; what did not change is not computed again. */
import { gaussianBlur } from "./fourier.js";
import { gradient, wrapping } from "./slopes.js";

/** @typedef {import("./fourier.js").Plane} Plane */
/**
 * The node's widgets.
 * @typedef {object} Settings
 * @property {string} convention @property {string} method @property {string} axes
 * @property {number} height_cm @property {number} size_cm @property {number} strength
 * @property {boolean} invert @property {number} smooth_cm
 */

export class LiveNormals {
  /** @param {Plane} height */
  constructor(height) {
    this.height = height;
    this.gradientOf = "";
    this.blurOf = "";
  }

  /** @param {Settings} settings @returns {Generator<import("./map_worker.js").Made>} */
  *maps(settings) {
    yield { pictures: { normal: this.normals(settings) } };
  }

  /** @param {Settings} settings @returns {Uint8ClampedArray} the normal map as pixels, R, G, B and 255 */
  normals(settings) {
    const { p, q } = this.#slopes(settings);
    const { height_cm, size_cm, strength, invert, convention } = settings;
    const scale = ((invert ? -strength : strength) * height_cm * this.height.width) / size_cm;
    const up = convention === "OpenGL" ? 1 : -1;
    const pixels = new Uint8ClampedArray(4 * p.length);
    for (let at = 0; at < p.length; at += 1) {
      const [right, down] = [scale * p[at], scale * q[at]];
      const z = 127.5 / Math.sqrt(1 + right * right + down * down);
      pixels[4 * at] = 127.5 - right * z;
      pixels[4 * at + 1] = 127.5 + up * down * z;
      pixels[4 * at + 2] = 127.5 + z;
      pixels[4 * at + 3] = 255;
    }
    return pixels;
  }

  /** @param {Settings} settings */
  #slopes({ method, axes, size_cm, smooth_cm }) {
    const wrap = wrapping(axes);
    const sigma = (smooth_cm * this.height.width) / size_cm / 2;
    const blurOf = JSON.stringify([sigma, axes]);
    if (blurOf !== this.blurOf) this.blurred = gaussianBlur(this.height, sigma, wrap);
    const gradientOf = JSON.stringify([blurOf, method]);
    if (gradientOf !== this.gradientOf) this.gradient = gradient(/** @type {Plane} */ (this.blurred), method, wrap);
    [this.blurOf, this.gradientOf] = [blurOf, gradientOf];
    return /** @type {{p: import("./fourier.js").Values, q: import("./fourier.js").Values}} */ (this.gradient);
  }
}

/**
 * The relief in the light of one lamp: what a normal map does, seen.
 * @param {Uint8ClampedArray} normals @param {string} convention @param {{azimuth: number, elevation: number}} light @returns {Uint8ClampedArray}
 */
export function lit(normals, convention, { azimuth, elevation }) {
  const [right, up, out] = [Math.cos(elevation) * Math.sin(azimuth), -Math.cos(elevation) * Math.cos(azimuth), Math.sin(elevation)];
  const green = convention === "OpenGL" ? up : -up;
  const pixels = new Uint8ClampedArray(normals.length);
  for (let at = 0; at < normals.length; at += 4) {
    const facing = (right * (normals[at] - 127.5) + green * (normals[at + 1] - 127.5) + out * (normals[at + 2] - 127.5)) / 127.5;
    const light = 22 + 205 * Math.max(0, facing) ** 0.85;
    pixels[at] = pixels[at + 1] = pixels[at + 2] = light;
    pixels[at + 3] = 255;
  }
  return pixels;
}
