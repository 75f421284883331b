/** Pointer, wheel and keys over a material: what each does is in `KEYS` and in the help page. */

const TURN = 0.008; // radians a pixel
const STEEPEST = 1.5; // radians: the camera never stands on its head
const TILES = [0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 16];
const STEP = 0.12; // radians a key
const SHAPES = ["plane", "sphere", "cube", "rounded", "cloth"];

/** @typedef {any} View a MaterialView of views/material.js */

/** @param {View} view */
export function followHand(view) {
  const { stage, look } = view;
  const { signal } = view.view;
  stage.addEventListener("pointerdown", (/** @type {PointerEvent} */ down) => startDrag(view, down), { signal });
  stage.addEventListener("contextmenu", (/** @type {Event} */ event) => event.preventDefault(), { signal });
  stage.addEventListener("dblclick", () => look.set({ camera: null }), { signal });
  stage.addEventListener("wheel", (/** @type {WheelEvent} */ event) => turnWheel(view, event), { signal, passive: false });
  stage.addEventListener("pointerenter", () => view.redraw(), { signal }); // the graph may have been zoomed meanwhile
  view.view.root.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => pressKey(view, event), { signal });
}

/** More or fewer tiles, by whole steps. @param {View} view @param {number} by 1 or -1 */
export function stepTiles(view, by) {
  const now = TILES.findIndex((tiles) => tiles >= view.look.state.tiles);
  view.look.set({ tiles: TILES[Math.max(0, Math.min(TILES.length - 1, (now < 0 ? TILES.length - 1 : now) + by))] });
}

/** @param {View} view @param {PointerEvent} down */
function startDrag(view, down) {
  if (down.button === 1 || /** @type {HTMLElement} */ (down.target).closest("button, input, select")) return;
  down.preventDefault();
  view.view.root.focus({ preventScroll: true });
  const moveLight = down.button === 2 || down.shiftKey;
  const ending = new AbortController();
  let [x, y] = [down.clientX, down.clientY];
  const move = (/** @type {PointerEvent} */ event) => {
    const [right, lower] = [event.clientX - x, event.clientY - y];
    [x, y] = [event.clientX, event.clientY];
    if (moveLight) turnLight(view, right * TURN, -lower * TURN);
    else turnCamera(view, -right * TURN, lower * TURN);
  };
  const signal = AbortSignal.any([ending.signal, view.view.signal]);
  view.stage.setPointerCapture?.(down.pointerId);
  view.stage.addEventListener("pointermove", move, { signal });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) view.stage.addEventListener(end, () => ending.abort(), { signal });
}

/** @param {View} view @param {number} right @param {number} up radians */
export function turnLight(view, right, up) {
  const { azimuth, elevation } = view.look.state.light;
  view.look.set({ light: { azimuth: azimuth + right, elevation: within(elevation + up, -0.3, Math.PI / 2) } });
}

/** @param {View} view @param {number} right @param {number} up radians */
function turnCamera(view, right, up) {
  const { azimuth, elevation, distance } = view.camera;
  view.look.set({ camera: { azimuth: azimuth + right, elevation: within(elevation + up, -STEEPEST, STEEPEST), distance } });
}

/** @param {View} view @param {number} factor above 1 goes away */
function moveCamera(view, factor) {
  view.look.set({ camera: { ...view.camera, distance: within(view.camera.distance * factor, 1.6, 16) } });
}

/** @param {View} view @param {WheelEvent} event */
function turnWheel(view, event) {
  const focused = view.view.root.contains(document.activeElement);
  if (!focused || event.ctrlKey || event.metaKey || !event.deltaY) return;
  event.preventDefault();
  if (event.altKey) moveCamera(view, Math.exp(event.deltaY * 0.001));
  else stepTiles(view, event.deltaY > 0 ? 1 : -1);
}

/** @param {View} view @param {KeyboardEvent} event */
function pressKey(view, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (/** @type {HTMLElement} */ (event.target).matches("input, select")) return;
  const act = actionOf(view, event);
  if (!act) return;
  event.preventDefault();
  act();
}

/** @param {View} view @param {KeyboardEvent} event @returns {(() => void) | undefined} */
function actionOf(view, event) {
  const { look } = view;
  const turn = event.shiftKey ? turnLight : turnCamera;
  const shape = SHAPES[Number(event.key) - 1];
  if (shape) return () => look.set({ shape });
  return {
    ArrowLeft: () => turn(view, -STEP, 0),
    ArrowRight: () => turn(view, STEP, 0),
    ArrowUp: () => turn(view, 0, STEP),
    ArrowDown: () => turn(view, 0, -STEP),
    "+": () => moveCamera(view, 0.9),
    "-": () => moveCamera(view, 1.1),
    "]": () => stepTiles(view, 1),
    "[": () => stepTiles(view, -1),
    s: () => look.set({ seams: !look.state.seams }),
    h: () => look.set({ half: !look.state.half }),
    g: () => view.flipFormat(),
    f: () => view.fill(),
    0: () => look.set({ camera: null }),
  }[event.key];
}

/** @param {number} value @param {number} least @param {number} most */
function within(value, least, most) {
  return Math.max(least, Math.min(most, value));
}
