/** The page's side of map_worker.js. */

/** @typedef {import("./map_worker.js").Made} Made */

/** @type {{worker: Worker, makers: Map<number, MapMaker>} | null} */
let shop = null;
let count = 0;

/** The maps of one view, by its node's formula. All views share one worker, which is there while one of them is. */
export class MapMaker {
  /** @param {string} node its class @param {(made: Made) => void} shown @param {(why: string) => void} failed @param {AbortSignal} signal the end */
  constructor(node, shown, failed, signal) {
    this.node = node;
    this.id = count += 1;
    this.turn = 0;
    this.isNew = false;
    this.listeners = { shown, failed };
    shop ??= opened();
    shop.makers.set(this.id, this);
    signal.addEventListener("abort", () => leave(this), { once: true });
  }

  /** The plane that all following maps are made of. @param {import("./fourier.js").Plane} plane */
  give(plane) {
    this.plane = plane;
    this.isNew = true;
  }

  /** Makes maps with these settings; what an earlier call still asks for is dropped. @param {unknown} settings */
  make(settings) {
    if (!this.plane) return;
    this.turn += 1;
    const { id, node, turn } = this;
    shop?.worker.postMessage({ id, node, settings, turn, ...(this.isNew ? { plane: this.plane } : {}) });
    this.isNew = false;
  }
}

function opened() {
  const worker = new Worker(new URL("./map_worker.js", import.meta.url), { type: "module" });
  /** @type {Map<number, MapMaker>} */
  const makers = new Map();
  worker.onmessage = ({ data: { id, turn, error, ...made } }) => {
    const maker = makers.get(id);
    if (!maker || turn !== maker.turn) return;
    if (error) maker.listeners.failed(error);
    else maker.listeners.shown(made);
  };
  worker.onerror = ({ message }) => makers.forEach((maker) => maker.listeners.failed(message || "map_worker.js did not start"));
  return { worker, makers };
}

/** @param {MapMaker} maker */
function leave({ id }) {
  if (!shop) return;
  shop.makers.delete(id);
  shop.worker.postMessage({ id, isOver: true });
  if (shop.makers.size) return;
  shop.worker.terminate();
  shop = null;
}
