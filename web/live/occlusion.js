/** Occlusion in the browser: material/occlusion.py, slice by slice, so that the worker hears of other settings in between. */
import { greyPixels } from "./pixels.js";
import { gradient, wrapping } from "./slopes.js";

/** @typedef {import("./fourier.js").Plane} Plane */
/**
 * The node's widgets.
 * @typedef {object} Settings
 * @property {string} axes @property {string} convention @property {number} height_cm @property {number} size_cm @property {number} radius_cm @property {number} slices
 */
/** @typedef {{openness: Float64Array, x: Float64Array, y: Float64Array, z: Float64Array}} Sums over the slices */
/** @typedef {{first: number, second: number, part: number, drawn: number}} Tap of a ray: two pixels from here, what counts of the second, and of the difference */

const EXACT = 32; // pixels: up to here a ray visits every pixel
const FADE = 0.8;

export class LiveOcclusion {
  /** @param {Plane} height */
  constructor(height) {
    this.height = height;
    this.gradientOf = "";
  }

  /** Nothing after most slices, drafts where their number has doubled, then the pictures. @param {Settings} settings @returns {Generator<import("./map_worker.js").Made>} */
  *maps({ axes, height_cm, size_cm, radius_cm, slices, convention }) {
    const { width, height } = this.height;
    const scale = (height_cm * width) / size_cm;
    const radius = Math.min((radius_cm * width) / size_cm, width + height);
    const slopes = this.#slopes(axes);
    const around = surrounded(this.height, Math.max(1, Math.ceil(radius)), scale, wrapping(axes));
    const sum = () => new Float64Array(width * height);
    const sums = { openness: sum(), x: sum(), y: sum(), z: sum() };
    for (const [before, slice] of spread(slices).entries()) {
      addSlice(sums, around, this.height, slopes, scale, radius, (Math.PI * slice) / slices);
      const done = before + 1;
      const isDraft = done > 1 && done < slices && Number.isInteger(Math.log2(done));
      yield isDraft ? { pictures: picturesOf(sums, slopes, scale, done, convention), isDraft } : {};
    }
    yield { pictures: picturesOf(sums, slopes, scale, slices, convention) };
  }

  /** @param {string} axes */
  #slopes(axes) {
    if (axes !== this.gradientOf) this.gradient = gradient(this.height, "central", wrapping(axes));
    this.gradientOf = axes;
    return /** @type {{p: import("./fourier.js").Values, q: import("./fourier.js").Values}} */ (this.gradient);
  }
}

/** The numbers of so many slices, the first ones far apart from each other. @param {number} slices */
function spread(slices) {
  const bits = Math.ceil(Math.log2(slices));
  const mirrored = Array.from({ length: 2 ** bits }, (_, at) => (bits ? parseInt([...at.toString(2).padStart(bits, "0")].reverse().join(""), 2) : 0));
  return mirrored.filter((slice) => slice < slices);
}

/**
 * The heights in pixels with so many more on every side: the other side where they wrap, the lowest where not.
 * @param {Plane} plane @param {number} reach @param {number} scale @param {{x: boolean, y: boolean}} wrap
 */
function surrounded({ width, height, values }, reach, scale, wrap) {
  const [columns, rows] = [width + 2 * reach, height + 2 * reach];
  let lowest = Infinity;
  for (let at = 0; at < values.length; at += 1) lowest = Math.min(lowest, scale * values[at]);
  const result = new Float32Array(columns * rows).fill(lowest);
  for (let y = 0; y < rows; y += 1) {
    const from = y - reach;
    if (!wrap.y && (from < 0 || from >= height)) continue;
    const row = modulo(from, height) * width;
    const [first, last] = wrap.x ? [0, columns] : [reach, reach + width];
    for (let x = first; x < last; x += 1) result[y * columns + x] = scale * values[row + modulo(x - reach, width)];
  }
  return { columns, reach, values: result };
}

/** @param {number} value @param {number} size */
function modulo(value, size) {
  return ((value % size) + size) % size;
}

/**
 * Adds what is open in one vertical slice, by the published integral in slopes.
 * @param {Sums} sums @param {{columns: number, reach: number, values: Float32Array}} around @param {Plane} plane
 * @param {{p: import("./fourier.js").Values, q: import("./fourier.js").Values}} slopes @param {number} scale @param {number} radius @param {number} angle
 */
function addSlice({ openness, x: toRight, y: downwards, z: outwards }, around, { width, height }, { p, q }, scale, radius, angle) {
  const [right, down] = [Math.cos(angle), Math.sin(angle)];
  const [ahead, behind] = [rayOf(right, down, radius, around.columns), rayOf(-right, -down, radius, around.columns)];
  const [horizonA, horizonB] = [new Float32Array(width), new Float32Array(width)];
  for (let y = 0; y < height; y += 1) {
    const start = (y + around.reach) * around.columns + around.reach;
    horizon(horizonA, around.values, start, ahead);
    horizon(horizonB, around.values, start, behind);
    for (let x = 0; x < width; x += 1) {
      const at = y * width + x;
      const m = scale * (p[at] * right + q[at] * down);
      const a = Math.max(horizonA[x], m);
      const b = Math.max(horizonB[x], -m);
      const ofA = 1 / (1 + a * a);
      const ofB = 1 / (1 + b * b);
      const turn = Math.atan((a - b) / (1 + a * b));
      openness[at] += (1 + m * a) * ofA + (1 - m * b) * ofB + m * turn;
      const sideways = b * ofB - a * ofA - turn;
      toRight[at] += right * sideways;
      downwards[at] += down * sideways;
      outwards[at] += ofA + ofB;
    }
  }
}

/** The slope up to the horizon for a row of pixels, 0 where nothing stands above. @param {Float32Array} row @param {Float32Array} values @param {number} start @param {Tap[]} taps */
function horizon(row, values, start, taps) {
  row.fill(0);
  for (const { first, second, part, drawn } of taps) {
    for (let x = 0; x < row.length; x += 1) {
      const at = start + x;
      const there = values[at + first] + part * (values[at + second] - values[at + first]);
      const rise = drawn * (there - values[at]);
      if (rise > row[x]) row[x] = rise;
    }
  }
}

/** @param {number} right @param {number} down @param {number} radius pixels @param {number} columns @returns {Tap[]} */
function rayOf(right, down, radius, columns) {
  const longer = Math.max(Math.abs(right), Math.abs(down));
  return rayDistances(radius * longer).map((distance) => {
    const [along, across] = [(distance * right) / longer, (distance * down) / longer];
    const [x, y] = [floor(along), floor(across)];
    const [partX, partY] = [along - x, across - y];
    const part = Math.max(partX, partY);
    const first = y * columns + x;
    const far = distance / longer;
    const fade = Math.min(1, Math.max(0, (1 - far / radius) / (1 - FADE)));
    return { first, second: part < 1e-6 ? first : partX > partY ? first + 1 : first + columns, part, drawn: fade / far };
  });
}

/** Whole steps, every pixel first, then growing. @param {number} radius */
export function rayDistances(radius) {
  const distances = [1];
  while (/** @type {number} */ (distances.at(-1)) < radius) {
    const last = /** @type {number} */ (distances.at(-1));
    distances.push(last + Math.max(1, Math.floor(last / EXACT)));
  }
  const within = distances.filter((distance) => distance <= radius);
  return within.length ? within : [1];
}

/** @param {number} offset */
function floor(offset) {
  return Math.floor(offset + 1e-6);
}

/** @param {Sums} sums @param {{p: import("./fourier.js").Values, q: import("./fourier.js").Values}} slopes @param {number} scale @param {number} slices @param {string} convention */
function picturesOf({ openness, x, y, z }, { p, q }, scale, slices, convention) {
  const visible = openness.map((open, at) => open / (2 * slices * Math.sqrt(1 + scale * scale * (p[at] * p[at] + q[at] * q[at]))));
  const bent = new Uint8ClampedArray(4 * openness.length);
  const up = convention === "OpenGL" ? -1 : 1;
  for (let at = 0; at < openness.length; at += 1) {
    const half = 127.5 / Math.max(1e-12, Math.hypot(x[at], y[at], z[at]));
    bent[4 * at] = 127.5 + half * x[at];
    bent[4 * at + 1] = 127.5 + up * half * y[at];
    bent[4 * at + 2] = 127.5 + half * z[at];
    bent[4 * at + 3] = 255;
  }
  return { occlusion: greyPixels(visible), bent_normal: bent };
}
