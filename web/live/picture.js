/** Pixels into a canvas of about the size it is seen at: a page shrinks a larger canvas by leaving pixels out, which makes noise. */

const SHARPER = 1.5; // canvas pixels a pixel of the page, for a look closer

/** @param {HTMLCanvasElement} canvas @param {Uint8ClampedArray} pixels R, G, B and 255 @param {number} width @param {number} height of the picture */
export function drawPicture(canvas, pixels, width, height) {
  const whole = new OffscreenCanvas(width, height);
  whole.getContext("2d")?.putImageData(new ImageData(/** @type {any} */ (pixels), width, height), 0, 0);
  const room = Math.max(canvas.clientWidth / width, canvas.clientHeight / height);
  const scale = room ? Math.min(1, room * SHARPER * devicePixelRatio) : 1;
  const size = { width: Math.max(1, Math.round(scale * width)), height: Math.max(1, Math.round(scale * height)) };
  if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.imageSmoothingQuality = "high";
  context.drawImage(whole, 0, 0, size.width, size.height);
}
