/** Choosing a checkpoint and its weight by eye: the cells of a LoRA grid as buttons, with their scores. */
import { everyNode, redraw, toast } from "../lib/comfy.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { address, get } from "../lib/routes.js";
import { twoUp } from "../lib/two_up.js";
import { chosenCell, columnsOf, ORDERS, ordersOf, scoreOf, sorted, stepTo } from "../grid/cells.js";

/** @typedef {import("../grid/cells.js").Cell} Cell */
/** @typedef {import("../grid/cells.js").Order} Order */
/** chosen is the rule's cell; verdict says in lines which was handed on, by_hand or the rule's, and why. @typedef {{prompts: string[], seeds: number[], cells: Cell[], chosen: string | null, by_hand: boolean, verdict: string[]}} Grid */

const SCORE_GRID = "TilewrightScoreGrid";
const [THUMBNAIL, LARGE] = [256, 1024]; // px

/** Those in a graph now: what one learns of a grid and of the choice, all of that grid show. @type {Set<Picker>} */
const PICKERS = new Set();

/** @type {import("../lib/comfy.js").ViewKind} */
export const gridPickerView = {
  name: "grid_picker",
  nodes: ["TilewrightLoraGrid", SCORE_GRID],
  height: 380,
  width: 460,
  mount(view) {
    const picker = new Picker(view);
    PICKERS.add(picker);
    view.signal.addEventListener("abort", () => PICKERS.delete(picker));
    return {
      output: (output) => {
        const name = output.tilewright_grid?.[0];
        if (typeof name !== "string" || !name) return;
        for (const one of PICKERS) if (one === picker || one.name === name) one.show(name);
      },
      values: () => PICKERS.forEach((one) => one.mark()),
    };
  },
};

/** All scores of a cell with their intervals. @param {string} label @param {Cell} cell */
function tooltip(label, cell) {
  const told = Object.entries(ORDERS).flatMap(([name, { label: words }]) => {
    const score = cell.scores?.[name];
    if (!Array.isArray(score) || score[0] === null) return [];
    const between = score[1] === null || score[2] === null ? "" : ` (${score[1].toFixed(2)} – ${score[2].toFixed(2)})`;
    return [`${t(words)} ${score[0].toFixed(2)}${between}`];
  });
  return [label, ...told].join("\n");
}

class Picker {
  /** @type {Grid} */
  grid = { prompts: [], seeds: [], cells: [], chosen: null, by_hand: false, verdict: [] };
  name = "";
  asked = "";
  /** @type {Order} */
  order = "grid";
  picture = 0;
  focused = 0;
  /** @type {HTMLButtonElement[]} */
  buttons = [];
  /** @type {number[]} */
  shown = [];
  verdict = h("div", { class: "tw-grow tw-ellipsis", role: "status", "aria-live": "polite" });
  why = h("div", { class: "tw-quiet" });
  free = h("button", { onclick: () => this.choose("") }, t("Let the rule choose"));
  sorting = h("select", { "aria-label": t("Sort by"), onchange: () => this.#sort() });
  which = h("select", { class: "tw-grow", "aria-label": t("Picture"), onchange: () => this.#look() });
  two = h("button", { onclick: () => this.#compare(), title: t("Two cells side by side (C)") }, t("Compare two"));
  cells = h("div", { class: "tw-cells", role: "listbox", "aria-label": t("Cells") });
  empty = h("div", { class: "tw-empty" }, h("b", {}, t("No grid yet")), h("span", {}, t("Press Run. The cells appear here as buttons.")));
  body = h("div", { class: "tw-grid-picker" }, h("div", { class: "tw-row" }, this.verdict, this.free), this.why, h("div", { class: "tw-row" }, this.which, this.sorting, this.two), this.cells);

  /** @param {import("../lib/comfy.js").NodeView} view */
  constructor(view) {
    this.view = view;
    this.body.hidden = true;
    view.root.append(this.empty, this.body);
    this.cells.addEventListener("keydown", (event) => this.#key(event));
    setTimeout(() => {
      if (view.signal.aborted) return;
      const [width, height] = view.node.computeSize(); // buttons that others add came after the node was sized
      view.node.setSize([Math.max(view.node.size[0], width), Math.max(view.node.size[1], height)]);
      const known = view.remembered ?? view.value("name");
      if (!view.signal.aborted && typeof known === "string" && known.trim()) this.show(known.trim());
    });
  }

  /** Fetches a grid by its name and shows it. @param {string} name */
  async show(name) {
    this.asked = name;
    const grid = await get("grids/grid", { grid: name, if_any: 1 }, this.view.signal).catch(() => null);
    if (!grid || this.view.signal.aborted || this.asked !== name) return;
    this.view.remember(name);
    this.name = name;
    this.grid = grid;
    this.body.hidden = false;
    this.empty.hidden = true;
    this.picture = Math.min(this.picture, grid.prompts.length * grid.seeds.length - 1);
    const orders = ordersOf(grid.cells);
    if (!orders.includes(this.order)) this.order = "grid";
    this.sorting.replaceChildren(...orders.map((order) => h("option", { value: order }, `${t("Sort")}: ${t(ORDERS[order].label)}`)));
    this.sorting.value = this.order;
    const pictures = grid.prompts.flatMap((/** @type {string} */ prompt) => grid.seeds.map((/** @type {number} */ seed) => `${prompt} · ${seed}`));
    this.which.replaceChildren(...pictures.map((/** @type {string} */ words, /** @type {number} */ number) => h("option", { value: number }, words)));
    this.which.value = String(this.picture);
    this.#draw();
  }

  /** The choice that stands in the graph. @returns {string} */
  get choice() {
    return String(this.#chooser()?.value ?? "").trim();
  }

  /** The widget that holds the choice: of this node, or of the graph's only Score Grid. */
  #chooser() {
    const own = this.view.widgetNamed("choice");
    if (own) return own;
    const scoring = everyNode().filter((node) => node.type === SCORE_GRID);
    return scoring.length === 1 ? scoring[0].widgets?.find((widget) => widget.name === "choice") : undefined;
  }

  /** Writes a choice into the graph, "" for the rule's. @param {string} choice */
  choose(choice) {
    const widget = this.#chooser();
    if (!widget) {
      toast("info", this.view.node.title, t("Score Grid hands on the choice: connect one, then choose here or there."));
      return;
    }
    widget.value = choice;
    widget.callback?.(choice);
    redraw();
    this.mark();
  }

  #draw() {
    const { cells } = this.grid;
    const columns = columnsOf(cells);
    this.columns = this.order === "grid" ? columns : Math.min(4, cells.length);
    this.cells.style.gridTemplateColumns = `repeat(${this.columns}, minmax(0, 170px))`;
    this.shown = sorted(cells, this.order);
    this.buttons = this.shown.map((number) => this.#cell(number));
    this.focused = Math.min(this.focused, Math.max(0, this.buttons.length - 1));
    this.cells.replaceChildren(...this.buttons);
    this.mark();
  }

  /** @param {number} number */
  #cell(number) {
    const cell = this.grid.cells[number];
    const value = scoreOf(cell, this.order === "grid" ? "value" : this.order);
    const refused = cell.scores?.refused;
    const label = cell.choice ? this.#label(cell) : t("no LoRA");
    const alone = !cell.choice && this.order === "grid";
    return h(
      "button",
      {
        class: `tw-pick tw-plain${refused ? " tw-refused" : ""}`,
        role: "option",
        style: alone ? { gridColumn: "1 / -1" } : {},
        "data-cell": number,
        "aria-selected": "false",
        "aria-disabled": String(!cell.choice),
        tabindex: -1,
        title: refused ? t("The rule refuses it: {reason}", { reason: refused }) : tooltip(label, cell),
        onclick: () => this.#pick(number),
        ondblclick: () => this.#compare(number),
        onfocus: () => this.#rove(number),
      },
      h("img", { src: this.#address(number, THUMBNAIL), alt: "", loading: "lazy", draggable: "false" }),
      h(
        "span",
        { class: "tw-row tw-pick-words" },
        h("span", { class: "tw-grow tw-ellipsis tw-number" }, label),
        value !== null && h("span", { class: `tw-badge tw-number${refused ? " tw-bad" : ""}` }, value.toFixed(2)),
      ),
    );
  }

  /** @param {Cell} cell */
  #label(cell) {
    const at = cell.choice.lastIndexOf("@");
    return `${cell.choice.slice(0, at)} @ ${cell.choice.slice(at + 1)}`;
  }

  /** @param {number} number @param {number} side */
  #address(number, side) {
    const stamp = this.grid.cells[number].pictures[this.picture] ?? "";
    return address("grids/picture", { grid: this.name, cell: number, number: this.picture, side, stamp });
  }

  /** Shows which cell is handed on: the person's, else the rule's. */
  mark() {
    if (!this.name) return;
    const { cells, chosen, by_hand } = this.grid;
    const { choice } = this;
    const mine = choice ? chosenCell(cells, choice) : -1;
    const rules = chosen ? chosenCell(cells, chosen) : -1;
    const scored = cells.some((cell) => cell.scores);
    for (const button of this.buttons) {
      const number = Number(button.dataset.cell);
      button.setAttribute("aria-selected", String(number === (choice ? mine : rules)));
      button.classList.toggle("tw-rules", number === rules && number !== mine);
      button.tabIndex = button === this.buttons[this.focused] ? 0 : -1;
    }
    this.free.hidden = !choice;
    const words = choice
      ? mine >= 0 ? t("Your choice: {cell}", { cell: this.#label(cells[mine]) }) : t("Your choice {choice} is no cell of this grid", { choice })
      : rules >= 0 ? t("The rule chose {cell}", { cell: this.#label(cells[rules]) }) : scored ? t("The rule refuses every cell") : t("Not scored yet. Score Grid chooses, or you do.");
    this.verdict.textContent = words;
    const verdict = by_hand || choice ? [] : this.grid.verdict; // which is on what was chosen when it was scored
    this.verdict.title = verdict.join("\n") || words;
    this.why.textContent = !choice && rules >= 0 ? `${verdict[1] ?? ""} ${t("Click a cell to choose another.")}`.trim() : "";
  }

  /** @param {number} number */
  #rove(number) {
    this.focused = this.shown.indexOf(number);
    this.buttons.forEach((button, at) => (button.tabIndex = at === this.focused ? 0 : -1));
  }

  /** @param {number} number */
  #pick(number) {
    const { choice } = this.grid.cells[number];
    if (choice) this.choose(choice);
  }

  #sort() {
    this.order = /** @type {Order} */ (this.sorting.value);
    this.#draw();
  }

  #look() {
    this.picture = Number(this.which.value);
    this.#draw();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "c" || event.key === "C") return this.#compare();
    const to = stepTo(event.key, this.focused, this.buttons.length, this.columns ?? 1);
    if (to === this.focused) return;
    event.preventDefault();
    this.buttons[to].focus();
  }

  /** The focused cell beside the one before it in this order. @param {number} [number] */
  #compare(number) {
    const { shown } = this;
    const at = number === undefined ? this.focused : shown.indexOf(number);
    const items = shown.map((one) => {
      const { choice } = this.grid.cells[one];
      const label = choice ? this.#label(this.grid.cells[one]) : t("no LoRA");
      return { label, address: this.#address(one, LARGE), ...(choice && { take: () => this.choose(choice) }) };
    });
    if (items.length) twoUp(this.which.selectedOptions[0]?.textContent ?? this.name, items, Math.max(at, Math.min(1, items.length - 1)), this.view.signal);
  }
}
