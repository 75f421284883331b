/** The cells of a LoRA grid as the picker shows them. Knows no DOM. */

/**
 * A cell as a GET of grids/grid tells it. A score has its value and the ends of its interval.
 * @typedef {{lora: string, step: number | null, strength: number, choice: string, pictures: string[],
 *   scores: (Record<string, any> & {refused?: string | null, best_in?: number | null}) | null}} Cell
 */

/** By what cells may be sorted, and whether more is better. */
export const ORDERS = {
  grid: { label: "as painted", more: false },
  value: { label: "value", more: true },
  style: { label: "style", more: true },
  following: { label: "prompt following", more: true },
  diversity: { label: "diversity", more: true },
  copied: { label: "copies", more: false },
  seamless: { label: "tiles", more: true },
};
/** @typedef {keyof typeof ORDERS} Order */

/** The value of a score, null where there is none. @param {Cell} cell @param {string} name @returns {number | null} */
export function scoreOf(cell, name) {
  const score = cell.scores?.[name];
  const value = Array.isArray(score) ? score[0] : null;
  return typeof value === "number" ? value : null;
}

/** Numbers of the cells in an order; those without a score, and those that are refused, come last. @param {Cell[]} cells @param {Order} by @returns {number[]} */
export function sorted(cells, by) {
  const numbers = cells.map((_, number) => number);
  if (by === "grid") return numbers;
  const key = (/** @type {number} */ number) => {
    const value = scoreOf(cells[number], by);
    if (value === null) return Infinity;
    return (ORDERS[by].more ? -value : value) + (cells[number].scores?.refused ? 1e9 : 0);
  };
  return numbers.sort((a, b) => key(a) - key(b) || a - b);
}

/** Which orders there are scores for. @param {Cell[]} cells @returns {Order[]} */
export function ordersOf(cells) {
  const names = /** @type {Order[]} */ (Object.keys(ORDERS));
  return names.filter((name) => name === "grid" || cells.some((cell) => scoreOf(cell, name) !== null));
}

/** The number of the cell that a choice names, -1 for none and for more than one: as the node reads it. @param {Cell[]} cells @param {string} choice */
export function chosenCell(cells, choice) {
  const [file, weight] = splitChoice(choice);
  const wanted = [slashed(file), withoutEnding(slashed(file))];
  const meant = cells.flatMap((cell, number) => (cell.choice && Math.abs(Number(weight) - cell.strength) < 1e-6 ? [number] : []));
  const names = [
    (/** @type {Cell} */ cell) => slashed(cell.lora),
    (/** @type {Cell} */ cell) => splitChoice(cell.choice)[0],
    (/** @type {Cell} */ cell) => withoutEnding(slashed(cell.lora)),
    (/** @type {Cell} */ cell) => withoutEnding(slashed(cell.lora).replace(/^.*\//, "")),
  ];
  for (const nameOf of names) {
    const named = meant.filter((number) => wanted.includes(nameOf(cells[number])));
    if (named.length) return named.length === 1 ? named[0] : -1;
  }
  return -1;
}

/** @param {string} name */
const slashed = (name) => name.replaceAll("\\", "/");
/** @param {string} name */
const withoutEnding = (name) => name.replace(/\.(safetensors|sft|pt|pth|ckpt|bin)$/i, "");

/** @param {string} choice @returns {[string, string]} */
function splitChoice(choice) {
  const at = choice.lastIndexOf("@");
  return at < 0 ? [choice.trim(), "NaN"] : [choice.slice(0, at).trim(), choice.slice(at + 1)];
}

/** How many weights stand in a row of the grid as it was painted. @param {Cell[]} cells */
export function columnsOf(cells) {
  return Math.max(1, new Set(cells.filter((cell) => cell.choice).map((cell) => cell.strength)).size);
}

/** Where an arrow key leads among `count` buttons in rows of `columns`. @param {string} key @param {number} at @param {number} count @param {number} columns */
export function stepTo(key, at, count, columns) {
  const way = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -at, End: count - 1 - at }[key];
  if (way === undefined) return at;
  const to = at + way;
  return to < 0 || to >= count ? at : to;
}
