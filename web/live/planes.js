/** Heights in other sizes. */

/** @typedef {import("./fourier.js").Plane} Plane */

/**
 * Halved in both directions as often as it takes and its sides allow: every pixel the mean of four.
 * @param {Plane} plane @param {number} most pixels of the longer side @returns {Plane}
 */
export function halved(plane, most) {
  const { width, height, values } = plane;
  if (Math.max(width, height) <= most || width % 2 || height % 2) return plane;
  const half = new Float32Array(values.length / 4);
  for (let at = 0; at < half.length; at += 1) {
    const corner = 2 * Math.floor(at / (width / 2)) * width + 2 * (at % (width / 2));
    half[at] = (values[corner] + values[corner + 1] + values[corner + width] + values[corner + width + 1]) / 4;
  }
  return halved({ width: width / 2, height: height / 2, values: half }, most);
}
