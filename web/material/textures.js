/** Maps as textures of the graphics card: repeated on both sides, smooth from afar, of the colour space that they have. */
import { bitmapOf, heightOf, pathOf, pixelsOf } from "./maps.js";

/** @typedef {import("./studio.js").Studio} Studio */
/** @typedef {import("./maps.js").FileName} FileName */
/**
 * What the node tells of one material (nodes/material/preview.py).
 * @typedef {object} Material
 * @property {string[]} maps
 * @property {Record<string, FileName>} files
 * @property {string} convention
 * @property {number} height_cm
 * @property {number} size_cm
 * @property {[number, number]} pixels
 * @property {[number, number]} shown
 * @property {boolean} derived the normals are made of the height
 * @property {number} [low]
 * @property {number} [high]
 * @property {number} number
 * @property {number} of
 * @property {{map?: string, x?: string, y?: string, text?: string}} seams
 */

const COLORS = new Set(["basecolor", "emissive"]);

/**
 * @param {Studio} studio @param {Material} material @param {(path: string) => Promise<Response>} fetchFile
 * @returns {Promise<Record<string, any>>} textures by the name of their file
 */
export async function loadTextures(studio, material, fetchFile) {
  const loaded = Object.entries(material.files).map(async ([name, file]) => {
    const response = await fetchFile(pathOf(file));
    const texture = name === "height" ? await heightTexture(studio, material, response) : await mapTexture(studio, name, response);
    return /** @type {[string, any]} */ ([name, texture]);
  });
  return Object.fromEntries(await Promise.all(loaded));
}

/** @param {Studio} studio @param {string} name @param {Response} response */
async function mapTexture({ THREE, anisotropy }, name, response) {
  const texture = new THREE.Texture(await bitmapOf(response, true));
  texture.flipY = false; // a bitmap lies as it was decoded
  texture.premultiplyAlpha = false;
  texture.colorSpace = COLORS.has(name) ? THREE.SRGBColorSpace : THREE.NoColorSpace;
  texture.wrapS = texture.wrapT = THREE.RepeatWrapping;
  texture.minFilter = THREE.LinearMipmapLinearFilter;
  texture.anisotropy = anisotropy;
  texture.needsUpdate = true;
  return texture;
}

/** In floats: half of them would round 16 bits to 11. @param {Studio} studio @param {Material} material @param {Response} response */
async function heightTexture({ THREE, smoothFloats }, { low = 0, high = 1 }, response) {
  const bitmap = await bitmapOf(response, true);
  const { width, height, values } = heightOf(pixelsOf(bitmap), low, high);
  bitmap.close();
  const texture = new THREE.DataTexture(values, width, height, THREE.RedFormat, THREE.FloatType);
  texture.wrapS = texture.wrapT = THREE.RepeatWrapping;
  texture.magFilter = smoothFloats ? THREE.LinearFilter : THREE.NearestFilter;
  texture.minFilter = smoothFloats ? THREE.LinearMipmapLinearFilter : THREE.NearestFilter;
  texture.generateMipmaps = smoothFloats;
  texture.needsUpdate = true;
  return texture;
}
