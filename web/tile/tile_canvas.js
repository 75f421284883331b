/** An endless texture on a 2D canvas: resampled as the ring that it is, so that no line shows that is not in it. */

const MARGIN = 32; // texture pixels of the other side that resampling sees beyond each edge
const STRIP = 18; // CSS pixels
const LINES = { seamless: "#45c46a", doubtful: "#f2bf1a", seam: "#ff3b30", "nothing to measure": "#ffffff" };

/** @typedef {{x: number, y: number, scale: number}} Place texture pixel at the middle of the view; canvas pixels per texture pixel */
/** @typedef {{tile: ImageBitmap, strip_x?: ImageBitmap, strip_y?: ImageBitmap}} Pictures */

export class TileCanvas {
  /** @param {Pictures} pictures */
  constructor(pictures) {
    this.pictures = pictures;
    const { width, height } = pictures.tile;
    this.ring = new OffscreenCanvas(width + 2 * MARGIN, height + 2 * MARGIN);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (this.ring.getContext("2d"));
    for (const left of steps(MARGIN % width - width, width, this.ring.width)) {
      for (const top of steps(MARGIN % height - height, height, this.ring.height)) context.drawImage(pictures.tile, left, top);
    }
    /** @type {OffscreenCanvas | undefined} */
    this.scaled = undefined;
  }

  /** The tile's size on the canvas, in whole pixels: else copies would lie a fraction beside each other. @param {number} scale */
  sizeAt(scale) {
    const { width, height } = this.pictures.tile;
    return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  }

  /** @param {CanvasRenderingContext2D} context @param {Place} place @param {{x?: string, y?: string} | null} seams verdicts, null to draw no lines */
  draw(context, place, seams) {
    const { width, height } = context.canvas;
    const [across, down] = this.sizeAt(place.scale);
    const left = Math.round(width / 2 - (place.x / this.pictures.tile.width) * across);
    const top = Math.round(height / 2 - (place.y / this.pictures.tile.height) * down);
    context.clearRect(0, 0, width, height);
    if (place.scale < 1) this.#fill(context, across, down, left, top);
    else this.#enlarge(context, across, down, left, top);
    if (seams) this.#mark(context, across, down, left, top, seams);
  }

  close() {
    for (const picture of Object.values(this.pictures)) picture.close();
  }

  /** @param {CanvasRenderingContext2D} context @param {number} across @param {number} down @param {number} left @param {number} top */
  #fill(context, across, down, left, top) {
    if (this.scaled?.width !== across || this.scaled.height !== down) this.scaled = this.#resampled(across, down);
    const pattern = /** @type {CanvasPattern} */ (context.createPattern(this.scaled, "repeat"));
    pattern.setTransform(new DOMMatrix().translate(left, top));
    context.fillStyle = pattern;
    context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  }

  /** @param {number} across @param {number} down */
  #resampled(across, down) {
    const { width, height } = this.pictures.tile;
    const canvas = new OffscreenCanvas(across, down);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.imageSmoothingQuality = "high";
    const [x, y] = [across / width, down / height];
    context.drawImage(this.ring, -MARGIN * x, -MARGIN * y, this.ring.width * x, this.ring.height * y);
    return canvas;
  }

  /** Pixels as squares. @param {CanvasRenderingContext2D} context @param {number} across @param {number} down @param {number} left @param {number} top */
  #enlarge(context, across, down, left, top) {
    context.imageSmoothingEnabled = false;
    const { width, height } = context.canvas;
    for (const x of steps((((left % across) + across) % across) - across, across, width)) {
      for (const y of steps((((top % down) + down) % down) - down, down, height)) context.drawImage(this.pictures.tile, x, y, across, down);
    }
  }

  /**
   * A line at each wrap, and along the edges the strips of Measure Seams, whose middle is the wrap.
   * @param {CanvasRenderingContext2D} context @param {number} across @param {number} down @param {number} left @param {number} top
   * @param {{x?: string, y?: string}} seams
   */
  #mark(context, across, down, left, top, seams) {
    const { width, height } = context.canvas;
    const thick = Math.round(STRIP * window.devicePixelRatio);
    const { strip_x: above, strip_y: beside } = this.pictures;
    context.imageSmoothingEnabled = true;
    for (const x of steps((left % across) - across, across, width + across)) {
      line(context, x, 0, 1, height, seams.x);
      if (above) context.drawImage(above, x - Math.round(across / 2), 0, across, thick);
    }
    for (const y of steps((top % down) - down, down, height + down)) {
      line(context, 0, y, width, 1, seams.y);
      if (beside) context.drawImage(beside, 0, y - Math.round(down / 2), thick, down);
    }
  }
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} width @param {number} height @param {string} [verdict] */
function line(context, x, y, width, height, verdict) {
  const thick = Math.max(1, Math.round(window.devicePixelRatio));
  context.fillStyle = LINES[/** @type {keyof typeof LINES} */ (verdict)] ?? "#ffffff";
  context.fillRect(x, y, width === 1 ? thick : width, height === 1 ? thick : height);
}

/** @param {number} from @param {number} by @param {number} until */
function* steps(from, by, until) {
  for (let at = from; at < until; at += by) yield at;
}
