/** What stands on the chart of a training beside its lines. */

/** @typedef {import("./course.js").Course} Course */

/**
 * Draws kept LoRAs, where the run went on, and the step that is looked at.
 * @param {any} u the chart @param {number} k its density @param {(name: string) => string} color
 * @param {{course: Course, selected: number | null, chosen: number | null}} shown
 */
export function drawMarks(u, k, color, { course, selected, chosen }) {
  const { ctx, bbox } = u;
  const ratio = window.devicePixelRatio;
  const bottom = bbox.top + bbox.height;
  const at = (/** @type {number} */ step) => Math.round(u.valToPos(step, "x", true));
  const seen = (/** @type {number} */ x) => x >= bbox.left - 1 && x <= bbox.left + bbox.width + 1;
  const line = (/** @type {number} */ x, /** @type {string} */ style, /** @type {number[]} */ dash, width = 1) => {
    ctx.strokeStyle = style;
    ctx.lineWidth = width * k * ratio;
    ctx.setLineDash(dash.map((one) => one * k * ratio));
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bottom);
    ctx.stroke();
  };
  ctx.save();
  for (const { event, step } of course.events) {
    if (event === "begun" && step > 0 && seen(at(step))) line(at(step), color("--tw-curve-ink"), [2, 4]);
  }
  if (selected !== null && seen(at(selected))) line(at(selected), color("--tw-accent"), [], 1.5);
  const size = 5 * k * ratio;
  for (const step of course.saved) {
    const x = at(step);
    if (!seen(x)) continue;
    ctx.fillStyle = color(step === chosen ? "--tw-accent" : "--tw-curve-ink");
    ctx.beginPath();
    ctx.moveTo(x - size, bottom);
    ctx.lineTo(x + size, bottom);
    ctx.lineTo(x, bottom - 1.7 * size);
    ctx.fill();
  }
  ctx.restore();
}
