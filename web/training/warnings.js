/** What a training should be told about while it can still be stopped. */
import { t } from "../lib/i18n.js";

/** What the measured losses say against going on, as training/preflight.py tells it. @param {import("./course.js").Course} course */
export function warnings(course) {
  for (const name of /** @type {("fixed"|"validation")[]} */ (["fixed", "validation"])) {
    const { x, y } = course.measured(name);
    const values = /** @type {number[]} */ (y);
    const lowest = values.indexOf(Math.min(...values));
    const since = values.length - 1 - lowest;
    if (since < 1 || values[values.length - 1] <= (since < 3 ? 2 : 1.1) * values[lowest]) continue;
    const words = name === "fixed" ? "The loss on fixed noise has risen since step {step}: lower learning_rate." : "The validation loss has risen since step {step}: the images are being memorised. Take a checkpoint from about there.";
    return [t(words, { step: x[lowest] })];
  }
  return [];
}
