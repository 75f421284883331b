/** Heights as the server hands them to a live map: files of 24 bits a pixel. */
import { fetchServer } from "../lib/comfy.js";
import { bitmapOf, heightOf, pathOf, pixelsOf } from "../material/maps.js";

/**
 * What a node or the height route tells.
 * @typedef {{files: Record<string, import("../material/maps.js").FileName | string>, range: Record<string, [number, number]>,
 *   pixels: [number, number], debanded: boolean, axes: string, channel?: string, height_cm?: number,
 *   size_cm?: number, stamp?: string, same?: boolean}} Told stamp: of the loader's file; same: it is as it was asked for
 */

/** @param {Told} told @returns {Promise<Record<string, import("./fourier.js").Plane>>} "height", and "smooth" where that differs */
export async function planesOf({ files, range }) {
  const planes = Object.entries(files).map(async ([name, file]) => {
    const bitmap = await bitmapOf(await (typeof file === "string" ? fetch(file) : fetchServer(pathOf(file))));
    return /** @type {[string, import("./fourier.js").Plane]} */ ([name, heightOf(pixelsOf(bitmap), ...range[name])]);
  });
  return Object.fromEntries(await Promise.all(planes));
}
