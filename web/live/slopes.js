/** First derivatives of a height per pixel: material/derivatives.py in the browser, kernel by kernel. */
import { emptyLike, filterLines } from "./fourier.js";

/** @typedef {import("./fourier.js").Plane} Plane */
/** @typedef {import("./fourier.js").Values} Values */
/** @typedef {{x: boolean, y: boolean}} Axes that wrap */

/** @param {string} axes the node's widget @returns {Axes} */
export function wrapping(axes) {
  return { x: axes === "both" || axes === "x", y: axes === "both" || axes === "y" };
}

/**
 * `slope[i]` weighs f(x + i + 1) - f(x - i - 1), `across[i]` the two rows i away, [] for none.
 * @type {Record<string, {slope: number[], across: number[]}>}
 */
export const KERNELS = {
  central: { slope: [1 / 2], across: [] },
  sobel: { slope: [1 / 2], across: [1 / 2, 1 / 4] },
  scharr: { slope: [1 / 2], across: [10 / 16, 3 / 16] },
  scharr_5: { slope: [0.3327, 0.08365], across: [0.4704, 0.2415, 0.0233] },
  eighth_order: { slope: [4 / 5, -1 / 5, 4 / 105, -1 / 280], across: [] },
};

/** @param {Plane} plane @param {string} method @param {Axes} axes @returns {{p: Values, q: Values}} the rise to the right and downwards */
export function gradient(plane, method, axes) {
  if (method === "spectral") {
    const slope = (/** @type {number} */ omega) => /** @type {[number, number]} */ ([0, omega < Math.PI - 1e-9 ? omega : 0]);
    return { p: filterLines(plane, slope, "x", axes.x).values, q: filterLines(plane, slope, "y", axes.y).values };
  }
  const { slope, across } = KERNELS[method];
  const radius = Math.max(slope.length, across.length - 1);
  const wide = extended(plane, radius, axes);
  return {
    p: convolved(wide, plane, radius, slope, 1, across, wide.width),
    q: convolved(wide, plane, radius, slope, wide.width, across, 1),
  };
}

/**
 * @param {Plane} wide @param {Plane} plane @param {number} radius @param {number[]} slope
 * @param {number} along how far apart neighbours along the slope lie @param {number[]} across @param {number} aside those beside it
 */
function convolved(wide, { width, height }, radius, slope, along, across, aside) {
  const taps = tapsOf(slope, along, across, aside);
  const result = new Float32Array(width * height);
  const offsets = Int32Array.from(taps, ([offset]) => offset);
  const weights = Float64Array.from(taps, ([, weight]) => weight);
  for (let y = 0; y < height; y += 1) {
    const row = (y + radius) * wide.width + radius;
    for (let x = 0; x < width; x += 1) {
      let sum = 0;
      for (let tap = 0; tap < offsets.length; tap += 1) {
        const at = row + x;
        sum += weights[tap] * (wide.values[at + offsets[tap]] - wide.values[at - offsets[tap]]);
      }
      result[y * width + x] = sum;
    }
  }
  return result;
}

/** Pixels of one side, each less the one opposite. @param {number[]} slope @param {number} along @param {number[]} across @param {number} aside @returns {[number, number][]} */
function tapsOf(slope, along, across, aside) {
  /** @type {[number, number][]} */
  const taps = [];
  slope.forEach((weight, reach) => {
    const offset = (reach + 1) * along;
    taps.push([offset, weight * (across[0] ?? 1)]);
    across.slice(1).forEach((beside, index) => {
      for (const side of [1, -1]) taps.push([offset + side * (index + 1) * aside, weight * beside]);
    });
  });
  return taps;
}

/** @param {Plane} plane @param {number} pad pixels all round: wrapped, else along the parabola through the border's three @param {Axes} axes @returns {Plane} */
export function extended({ width, height, values }, pad, axes) {
  const [columns, rows] = [width + 2 * pad, height + 2 * pad];
  const result = emptyLike(values, columns * rows);
  for (let y = 0; y < height; y += 1) result.set(values.subarray(y * width, (y + 1) * width), (y + pad) * columns + pad);
  for (let x = 0; x < width; x += 1) continueLine(result, pad * columns + pad + x, columns, height, pad, axes.y);
  for (let y = 0; y < rows; y += 1) continueLine(result, y * columns + pad, 1, width, pad, axes.x);
  return { width: columns, height: rows, values: result };
}

/** @param {Values} values @param {number} first @param {number} step @param {number} length @param {number} pad @param {boolean} wraps */
function continueLine(values, first, step, length, pad, wraps) {
  const last = first + (length - 1) * step;
  for (let out = 1; out <= pad; out += 1) {
    if (wraps) {
      values[first - out * step] = values[first + ((((-out) % length) + length) % length) * step];
      values[last + out * step] = values[first + ((length - 1 + out) % length) * step];
    } else {
      values[first - out * step] = parabola(values[first], values[first + step], values[first + 2 * step], out);
      values[last + out * step] = parabola(values[last], values[last - step], values[last - 2 * step], out);
    }
  }
}

/** @param {number} first @param {number} second @param {number} third @param {number} steps beyond the first */
function parabola(first, second, third, steps) {
  return first + steps * (first - second) + ((steps * (steps + 1)) / 2) * (first - second - (second - third));
}
