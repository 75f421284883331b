/** Whether a height may have the stair-steps that Height to Normal smooths: material/debanding.py. */

const FINEST = 5000; // different values, beyond which steps are too small to show

/** @param {ArrayLike<number>} values */
export function mayHaveSteps(values) {
  const found = new Set();
  for (let at = 0; at < values.length && found.size <= FINEST; at += 1) found.add(values[at]);
  return found.size <= FINEST;
}
