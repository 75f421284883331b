/** The pack's own routes (docs/routes.md): JSON both ways, errors as sentences. */
import { fetchServer, serverAddress } from "./comfy.js";

/** An answer that is not 200. `found` is what the server has instead, where that is why (409). */
export class RouteError extends Error {
  /** @param {number} status @param {string} message @param {any} found */
  constructor(status, message, found) {
    super(message);
    this.status = status;
    this.found = found;
  }
}

/** @typedef {Record<string, string | number | boolean>} Query */

/** @param {string} path below /tilewright/ @param {Query} query */
function withQuery(path, query) {
  const asked = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  return `/tilewright/${path}${asked.size ? `?${asked}` : ""}`;
}

/** An address for an <img>. @param {string} path @param {Query} query */
export function address(path, query = {}) {
  return serverAddress(withQuery(path, query));
}

/** An address of a picture of a dataset. @param {Query} source @param {{image: number, stamp: string}} picture @param {"small" | "large"} size */
export function pictureAddress(source, { image, stamp }, size = "small") {
  return address("dataset/image", { ...source, image, stamp, size });
}

/** @param {string} path @param {Query} [query] @param {AbortSignal} [signal] @returns {Promise<any>} */
export async function get(path, query = {}, signal) {
  return answered(await fetchServer(withQuery(path, query), { signal }));
}

/** @param {string} path @param {object} body @param {AbortSignal} [signal] @returns {Promise<any>} */
export async function post(path, body, signal) {
  const headers = { "Content-Type": "application/json" };
  return answered(await fetchServer(`/tilewright/${path}`, { method: "POST", headers, body: JSON.stringify(body), signal }));
}

/** @param {Response} response */
async function answered(response) {
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  throw new RouteError(response.status, body.error ?? `${response.status} ${response.statusText}`, body.found);
}
