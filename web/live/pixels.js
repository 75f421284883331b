/** Maps as pixels: R, G, B and 255. */

/** @typedef {import("./fourier.js").Values} Values */

/** @param {Values} values 0 to 1 @param {(value: number) => number} [turn] what is shown of a value, 0 to 1 @returns {Uint8ClampedArray} */
export function greyPixels(values, turn = (value) => value) {
  const pixels = new Uint8ClampedArray(4 * values.length);
  for (let at = 0; at < values.length; at += 1) {
    const grey = 255 * turn(values[at]);
    pixels[4 * at] = pixels[4 * at + 1] = pixels[4 * at + 2] = grey;
    pixels[4 * at + 3] = 255;
  }
  return pixels;
}
