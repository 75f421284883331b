/** What common/seams.py tells of a texture's edges, in the user's language. */
import { t } from "./i18n.js";

const BETWEEN = /( · |: |, | and )/;
const NUMBERED = /^(image|material) (\d+)$/;

/** @param {string} told "image 2, left–right: seamless · top–bottom: seam, a line shows", or a part of it */
export function edgeWords(told) {
  return told.split(BETWEEN).map(phrase).join("");
}

/** @param {string} english a phrase, or what stands between two */
function phrase(english) {
  const [, kind, n] = NUMBERED.exec(english) ?? [];
  return kind ? t(`${kind} {n}`, { n }) : t(english);
}
