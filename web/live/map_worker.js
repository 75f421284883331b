/** Live maps are made beside the page, in a worker: the editor goes on while a large one is computed, and the newest settings win. */
import { LiveCurvature } from "./curvature.js";
import { LiveHeightFromImage } from "./height_from_image.js";
import { LiveNormals } from "./normals.js";
import { LiveOcclusion } from "./occlusion.js";
import { halved } from "./planes.js";

/** @typedef {import("./fourier.js").Plane} Plane */
/**
 * What there is to show, nothing while it is only on its way.
 * @typedef {object} Made
 * @property {Record<string, Uint8ClampedArray>} [pictures] by the node's outputs
 * @property {[number, number]} [size] of the pictures, width and height
 * @property {Plane} [height] for the nodes that follow
 * @property {boolean} [isDraft] better ones follow
 */
/** @typedef {{id: number, node?: string, plane?: Plane, settings?: any, turn?: number, isOver?: boolean}} Order */

const DRAFT = 256; // pixels of the longer side: some 10 ms

/** By the class of the node whose formula it is. @type {Record<string, new (plane: Plane) => {maps(settings: any): Generator<Made>}>} */
export const MAKERS = {
  TilewrightCurvature: LiveCurvature,
  TilewrightHeightFromImage: LiveHeightFromImage,
  TilewrightHeightToNormal: LiveNormals,
  TilewrightOcclusion: LiveOcclusion,
};

/** Of a large plane a small draft first. */
export class DraftingMaker {
  /** @param {string} node @param {Plane} plane */
  constructor(node, plane) {
    this.plane = plane;
    this.small = halved(plane, DRAFT);
    this.draft = this.small === plane ? null : new MAKERS[node](this.small);
    this.whole = new MAKERS[node](plane);
  }

  /** @param {any} settings @returns {Generator<Made>} */
  *maps(settings) {
    const [small, size] = [sizeOf(this.small), sizeOf(this.plane)];
    for (const { pictures } of this.draft?.maps(settings) ?? []) yield { pictures, size: small, isDraft: true };
    for (const made of this.whole.maps(settings)) yield { ...made, size };
  }
}

/** @param {Plane} plane @returns {[number, number]} */
function sizeOf({ width, height }) {
  return [width, height];
}

/** @typedef {{turn: number | undefined, maps: Generator<Made>}} Job */

/** @param {any} worker takes an `Order` as a message, sends `Made` with its id and turn, or an error */
function serve(worker) {
  /** @type {Map<number, DraftingMaker>} */
  const makers = new Map();
  /** @type {Map<number, Job>} */
  const jobs = new Map();
  let isBusy = false;
  worker.onmessage = (/** @type {{data: Order}} */ { data: { id, node, plane, settings, turn, isOver } }) => {
    if (node && plane) makers.set(id, new DraftingMaker(node, plane));
    if (isOver) makers.delete(id);
    jobs.delete(id);
    const maker = makers.get(id);
    if (maker) jobs.set(id, { turn, maps: maker.maps(settings) });
    if (!isBusy) work();
  };

  /** Every job in turn a step further, so that a quick one does not wait for a long one. */
  async function work() {
    isBusy = true;
    while (jobs.size) {
      for (const [id, job] of [...jobs]) {
        if (jobs.get(id) === job) advance(id, job);
        await new Promise((done) => setTimeout(done)); // hears what was asked meanwhile
      }
    }
    isBusy = false;
  }

  /** @param {number} id @param {Job} job */
  function advance(id, { turn, maps }) {
    try {
      const { value, done } = maps.next();
      if (done) jobs.delete(id);
      else if (value.pictures) worker.postMessage({ id, turn, ...value });
    } catch (error) {
      jobs.delete(id);
      worker.postMessage({ id, turn, error: String(error) });
    }
  }
}

/** In a page, which loads this module too, there is nothing to serve. */
export const isWorker = "WorkerGlobalScope" in globalThis;
const served = isWorker && serve(globalThis);
export default served;
