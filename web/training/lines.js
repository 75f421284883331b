/** The lines of a training's chart. Knows no DOM. */

/** What can be drawn: its name, colour, scale, and whether it is drawn at first. */
export const LINES = {
  raw: { label: "Each step", color: "--tw-curve-raw", scale: "loss", shown: true },
  smooth: { label: "Smoothed", color: "--tw-curve-smooth", scale: "loss", shown: true },
  fixed: { label: "Fixed noise", color: "--tw-curve-fixed", scale: "loss", shown: true },
  validation: { label: "Validation", color: "--tw-curve-validation", scale: "loss", shown: true },
  transfer: { label: "Loss transfer", color: "--tw-curve-transfer", scale: "share", shown: false },
  rate: { label: "Learning rate", color: "--tw-curve-rate", scale: "rate", shown: false },
  other: { label: "Other run", color: "--tw-curve-other", scale: "loss", shown: true },
};
/** @typedef {keyof typeof LINES} LineName */
export const NAMES = /** @type {LineName[]} */ (Object.keys(LINES));
export const WIDTHS = { raw: 1, smooth: 2, fixed: 2.5, validation: 2.5, transfer: 1.5, rate: 1.5, other: 1.5 };

/** A number beside an axis. @param {number} value */
export function shownTick(value) {
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(0).replace("e-", "e−");
  return String(Number(value.toPrecision(3)));
}
