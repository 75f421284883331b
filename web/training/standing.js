/** How a training stands, in words. */
import { t } from "../lib/i18n.js";
import { clock } from "./course.js";

const STATES = /** @type {Record<string, string>} */ ({
  training: "Training",
  finished: "Finished",
  stopped: "Stopped and kept",
  cancelled: "Cancelled",
  failed: "Failed",
  "broken off": "Broken off",
  unknown: "Trained by an earlier version",
  linked: "Lies elsewhere",
});

/** @param {import("./watch.js").Run} run @param {import("./course.js").Course} course @param {string} error why it is not up to date, "" where it is */
export function standing(run, course, error) {
  const steps = course.steps || run.steps;
  const left = run.state === "training" ? course.secondsLeft : null;
  const pace = run.state === "training" ? course.secondsPerStep : null;
  const parts = [t(STATES[run.state] ?? run.state)];
  parts.push(steps ? t("step {step} of {steps}", { step: course.last, steps }) : t("step {step}", { step: course.last }));
  if (left !== null) parts.push(t("{time} left", { time: clock(left) }));
  if (pace) parts.push(pace > 1 ? t("{seconds} s a step", { seconds: pace.toFixed(1) }) : t("{steps} steps a second", { steps: (1 / pace).toFixed(1) }));
  if (run.ended && run.begun) parts.push(t("took {time}", { time: clock(run.ended - run.begun) }), new Date(run.ended * 1000).toLocaleString());
  if (error) parts.push(t("not up to date: {error}", { error }));
  return parts.join(" · ");
}
