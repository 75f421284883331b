/** Discrete Fourier transforms of any length, and filters by frequency response: material/filters.py in the browser. */

/** @typedef {{size: number, run: (re: Float64Array, im: Float64Array) => void}} Transform forward, in place */

/** @type {Map<number, Transform>} */
const KNOWN = new Map();

/** @param {number} size @returns {Transform} */
export function transformOf(size) {
  const known = KNOWN.get(size) ?? ((size & (size - 1)) === 0 ? powerOfTwo(size) : chirped(size));
  KNOWN.set(size, known);
  return known;
}

/** The inverse by the forward one: with real and imaginary parts exchanged. @param {Transform} transform @param {Float64Array} re @param {Float64Array} im */
export function invert(transform, re, im) {
  transform.run(im, re);
  for (let at = 0; at < transform.size; at += 1) {
    re[at] /= transform.size;
    im[at] /= transform.size;
  }
}

/** Cooley and Tukey's. @param {number} size @returns {Transform} */
function powerOfTwo(size) {
  const [cos, sin] = [new Float64Array(size / 2), new Float64Array(size / 2)];
  for (let at = 0; at < size / 2; at += 1) {
    cos[at] = Math.cos((2 * Math.PI * at) / size);
    sin[at] = -Math.sin((2 * Math.PI * at) / size);
  }
  const swaps = bitReversed(size);
  const run = (/** @type {Float64Array} */ re, /** @type {Float64Array} */ im) => {
    for (const [one, other] of swaps) {
      [re[one], re[other]] = [re[other], re[one]];
      [im[one], im[other]] = [im[other], im[one]];
    }
    for (let half = 1; half < size; half *= 2) {
      const stride = size / (2 * half);
      for (let first = 0; first < size; first += 2 * half) {
        for (let at = 0; at < half; at += 1) {
          const [low, high, turn] = [first + at, first + at + half, at * stride];
          const a = re[high] * cos[turn] - im[high] * sin[turn];
          const b = re[high] * sin[turn] + im[high] * cos[turn];
          re[high] = re[low] - a;
          im[high] = im[low] - b;
          re[low] += a;
          im[low] += b;
        }
      }
    }
  };
  return { size, run };
}

/** @param {number} size @returns {[number, number][]} */
function bitReversed(size) {
  /** @type {[number, number][]} */
  const swaps = [];
  for (let at = 0, other = 0; at < size; at += 1) {
    if (at < other) swaps.push([at, other]);
    let bit = size >> 1;
    while (other & bit) {
      other ^= bit;
      bit >>= 1;
    }
    other |= bit;
  }
  return swaps;
}

/** Bluestein's: any length as a convolution of a power of two. @param {number} size @returns {Transform} */
function chirped(size) {
  let padded = 1;
  while (padded < 2 * size - 1) padded *= 2;
  const inner = transformOf(padded);
  const [cos, sin] = [new Float64Array(size), new Float64Array(size)];
  const [chirpRe, chirpIm] = [new Float64Array(padded), new Float64Array(padded)];
  for (let at = 0; at < size; at += 1) {
    const angle = (Math.PI * ((at * at) % (2 * size))) / size;
    [cos[at], sin[at]] = [Math.cos(angle), Math.sin(angle)];
    for (const place of at ? [at, padded - at] : [0]) [chirpRe[place], chirpIm[place]] = [cos[at], sin[at]];
  }
  inner.run(chirpRe, chirpIm);
  const [a, b] = [new Float64Array(padded), new Float64Array(padded)];
  const run = (/** @type {Float64Array} */ re, /** @type {Float64Array} */ im) => {
    a.fill(0);
    b.fill(0);
    for (let at = 0; at < size; at += 1) {
      a[at] = re[at] * cos[at] + im[at] * sin[at];
      b[at] = im[at] * cos[at] - re[at] * sin[at];
    }
    inner.run(a, b);
    multiply(a, b, chirpRe, chirpIm);
    invert(inner, a, b);
    for (let at = 0; at < size; at += 1) {
      re[at] = a[at] * cos[at] + b[at] * sin[at];
      im[at] = b[at] * cos[at] - a[at] * sin[at];
    }
  };
  return { size, run };
}

/** @param {Float64Array} re @param {Float64Array} im @param {Float64Array} byRe @param {Float64Array} byIm */
function multiply(re, im, byRe, byIm) {
  for (let at = 0; at < re.length; at += 1) {
    const real = re[at] * byRe[at] - im[at] * byIm[at];
    im[at] = re[at] * byIm[at] + im[at] * byRe[at];
    re[at] = real;
  }
}

/** @typedef {Float32Array | Float64Array} Values */
/** @typedef {{width: number, height: number, values: Values}} Plane rows from the top */

/**
 * Multiplies the spectrum along an axis by `response`; a line that does not wrap is continued by its mirror image.
 * @param {Plane} plane @param {(omega: number) => [number, number]} response gain, real and imaginary, for 0 to pi radians a pixel
 * @param {"x" | "y"} axis @param {boolean} wraps @returns {Plane}
 */
export function filterLines({ width, height, values }, response, axis, wraps) {
  const [length, lines] = axis === "x" ? [width, height] : [height, width];
  const [along, across] = axis === "x" ? [1, width] : [width, 1];
  const size = wraps ? length : 2 * length;
  const [gainRe, gainIm] = gains(response, size);
  const transform = transformOf(size);
  const filtered = emptyLike(values, values.length);
  const [re, im] = [new Float64Array(size), new Float64Array(size)];
  for (let line = 0; line < lines; line += 2) {
    const [one, other] = [line * across, Math.min(line + 1, lines - 1) * across]; // two real lines are one complex one
    const [ofOne, ofOther] = [values[one], values[other]]; // taken off, so that a constant line has exactly one frequency
    for (let at = 0; at < length; at += 1) {
      re[at] = values[one + at * along] - ofOne;
      im[at] = values[other + at * along] - ofOther;
      if (!wraps) [re[size - 1 - at], im[size - 1 - at]] = [re[at], im[at]];
    }
    transform.run(re, im);
    multiply(re, im, gainRe, gainIm);
    invert(transform, re, im);
    for (let at = 0; at < length; at += 1) {
      filtered[other + at * along] = im[at] + ofOther * gainRe[0];
      filtered[one + at * along] = re[at] + ofOne * gainRe[0];
    }
  }
  return { width, height, values: filtered };
}

/** As many numbers of the same kind. @param {Values} values @param {number} length @returns {Values} */
export function emptyLike(values, length) {
  return values instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
}

/** Of all frequencies: those above pi are the conjugates. @param {(omega: number) => [number, number]} response @param {number} size */
function gains(response, size) {
  const [re, im] = [new Float64Array(size), new Float64Array(size)];
  for (let at = 0; 2 * at <= size; at += 1) {
    const [real, imaginary] = response((2 * Math.PI * at) / size);
    re[at] = real;
    im[at] = imaginary;
    if (at) [re[size - at], im[size - at]] = [real, 2 * at === size ? imaginary : -imaginary];
  }
  return [re, im];
}

/** @param {Plane} plane @param {number} sigma pixels @param {{x: boolean, y: boolean}} axes that wrap @returns {Plane} */
export function gaussianBlur(plane, sigma, axes) {
  if (!sigma) return plane;
  const response = (/** @type {number} */ omega) => /** @type {[number, number]} */ ([Math.exp(-0.5 * (sigma * omega) ** 2), 0]);
  return filterLines(filterLines(plane, response, "x", axes.x), response, "y", axes.y);
}
