/**
 * Files of maps as numbers: bytes as they are written, no colour profile applied, no alpha multiplied in.
 */

import { t } from "../lib/i18n.js";

/** @typedef {{filename: string, subfolder: string, type: string}} FileName */
/** @typedef {{width: number, height: number, values: Float32Array}} Height rows from the top */

const WHOLE_24 = 2 ** 24 - 1;

/** @param {Response} response @param {boolean} upsideDown the first row at the bottom, as WebGL wants it @returns {Promise<ImageBitmap>} */
export async function bitmapOf(response, upsideDown = false) {
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return createImageBitmap(await response.blob(), {
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
    imageOrientation: upsideDown ? "flipY" : "from-image",
  });
}

/** The path of a file by ComfyUI's own route. @param {FileName} file */
export function pathOf({ filename, subfolder, type }) {
  return `/view?${new URLSearchParams({ filename, subfolder, type })}`;
}

/** What to say of files that did not come. @param {unknown} error @param {string} otherwise said of all but files that are gone */
export function whyNotShown(error, otherwise) {
  return String(error).includes("404") ? t("The files of the last run are gone. Run the workflow again.") : otherwise;
}

/** @param {ImageBitmap} bitmap of an opaque image: then every byte comes back as it was @returns {ImageData} */
export function pixelsOf(bitmap) {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}

/**
 * Heights out of the bytes of 24-bit numbers, the highest in red: as material/viewed_maps.py writes them.
 * @param {ImageData} pixels @param {number} low what black stands for @param {number} high what white stands for @returns {Height}
 */
export function heightOf({ data, width, height }, low, high) {
  const values = new Float32Array(width * height);
  const scale = (high - low) / WHOLE_24;
  for (let at = 0; at < values.length; at += 1) {
    values[at] = low + scale * (65536 * data[4 * at] + 256 * data[4 * at + 1] + data[4 * at + 2]);
  }
  return { width, height, values };
}
