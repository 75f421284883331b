/** Elements in one expression, and the pack's style sheet. */

/**
 * An element: `h("button", { class: "x", onclick: f, disabled: true, value: 1 }, "Save", icon)`.
 *
 * `on…` are listeners; `true` sets an attribute without a value, false, null and undefined none; `style` may be an object.
 * Text is text: nothing is ever parsed as HTML.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string | number | false | null | undefined | (Node | string)[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) setProperty(element, name, value);
  element.append(...children.flat().filter(isShown).map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

/** @param {HTMLElement} element @param {string} name @param {any} value */
function setProperty(element, name, value) {
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "style" && typeof value === "object") Object.assign(element.style, value);
  else if (name === "value" && "value" in element) element.value = value;
  else if (value === true) element.setAttribute(name, "");
  else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
}

/** @param {any} child @returns {child is Node | string | number} */
function isShown(child) {
  return child !== false && child !== null && child !== undefined && child !== "";
}

/** Puts a style sheet of the pack into the page, once. @param {string} sheet its path below web/ */
export function loadStyles(sheet = "tilewright.css") {
  const href = new URL(`../${sheet}`, import.meta.url).href;
  if (document.querySelector(`link[href="${href}"]`)) return;
  document.head.append(h("link", { rel: "stylesheet", href }));
}

/**
 * Calls `act` at most once per `wait` ms, the last call winning; not at all after the signal.
 * @template {unknown[]} Given
 * @param {(...given: Given) => void} act @param {number} wait @param {AbortSignal} signal
 * @returns {(...given: Given) => void}
 */
export function debounced(act, wait, signal) {
  /** @type {number | undefined} */
  let timer;
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  return (...given) => {
    clearTimeout(timer);
    if (!signal.aborted) timer = window.setTimeout(() => act(...given), wait);
  };
}

/** Whether the person asked for less motion. */
export function isStill() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Shows an element on the whole screen, and puts it back. @param {HTMLElement} element */
export function toggleFullscreen(element) {
  if (document.fullscreenElement) document.exitFullscreen();
  else element.requestFullscreen?.();
}
