/** Height from Image in the browser: material/height_from_image.py; what did not change is not computed again. */
import { gaussianBlur } from "./fourier.js";
import { meanOf, ranked } from "./ranks.js";
import { greyPixels } from "./pixels.js";
import { wrapping } from "./slopes.js";

/** @typedef {import("./fourier.js").Plane} Plane */
/**
 * The node's widgets.
 * @typedef {object} Settings
 * @property {string} axes @property {boolean} invert @property {number} flatten @property {number} flatten_radius
 * @property {number} fine @property {number} medium @property {number} large
 * @property {number} clip @property {number} black @property {number} white @property {number} gamma
 */

const FINE = 0.004; // parts of the width
const MEDIUM = 0.03;
const DARKEST_LIGHT = 0.02;

export class LiveHeightFromImage {
  /** @param {Plane} image one channel */
  constructor(image) {
    this.image = image;
    this.lightOf = "";
    this.unlitOf = "";
  }

  /** @param {Settings} settings @returns {Generator<import("./map_worker.js").Made>} */
  *maps(settings) {
    const { width, height } = this.image;
    const values = levelled(this.#weighed(settings), settings);
    yield { pictures: { height: greyPixels(values) }, height: { width, height, values } };
  }

  /** Its parts by their size, added up again with their gains. @param {Settings} settings */
  #weighed(settings) {
    const { unlit, withoutFine, onlyLarge, mean } = this.#parts(settings);
    const { fine, medium, large } = settings;
    const sum = new Float32Array(unlit.length);
    for (let at = 0; at < sum.length; at += 1) {
      sum[at] = mean + fine * (unlit[at] - withoutFine[at]) + medium * (withoutFine[at] - onlyLarge[at]) + large * (onlyLarge[at] - mean);
    }
    return sum;
  }

  /** @param {Settings} settings */
  #parts({ axes, flatten, flatten_radius }) {
    const { image } = this;
    const wrap = wrapping(axes);
    const lightOf = JSON.stringify([axes, flatten_radius]);
    if (flatten && lightOf !== this.lightOf) {
      this.light = gaussianBlur(image, (flatten_radius / 100) * image.width, wrap).values.map((value) => Math.max(value, DARKEST_LIGHT));
      this.lightOf = lightOf;
    }
    const unlitOf = JSON.stringify([axes, flatten, flatten && flatten_radius]);
    if (unlitOf !== this.unlitOf) {
      const unlit = flatten ? withoutLight(image, /** @type {import("./fourier.js").Values} */ (this.light), flatten) : image.values;
      const plane = { ...image, values: unlit };
      this.parts = { unlit, withoutFine: gaussianBlur(plane, FINE * image.width, wrap).values, onlyLarge: gaussianBlur(plane, MEDIUM * image.width, wrap).values, mean: meanOf(unlit) };
      this.unlitOf = unlitOf;
    }
    return /** @type {{unlit: Float32Array, withoutFine: Float32Array, onlyLarge: Float32Array, mean: number}} */ (this.parts);
  }
}

/** @param {Plane} image @param {import("./fourier.js").Values} light @param {number} amount */
function withoutLight({ values }, light, amount) {
  const mean = meanOf(light);
  return values.map((value, at) => value * (mean / light[at]) ** amount);
}

/** Stretched to 0..1 with a share cut off at either end, and set between black and white. @param {Float32Array} values @param {Settings} settings */
function levelled(values, { clip, invert, black, white, gamma }) {
  const cut = Math.trunc((clip / 100) * values.length);
  const [low, high] = ranked(values, [cut + 1, values.length - cut]);
  const span = high - low;
  const exponent = 1 / gamma;
  return values.map((value) => {
    const stretched = span > 0 ? within((value - low) / span) : 0.5;
    return within(((invert ? 1 - stretched : stretched) - black) / (white - black)) ** exponent;
  });
}

/** @param {number} value */
function within(value) {
  return value < 0 ? 0 : value > 1 ? 1 : value;
}
