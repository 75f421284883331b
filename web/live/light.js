/** The light over a relief, moved by hand. */

const TURN = 0.008; // radians a pixel

/**
 * Dragging in the picture and the arrow keys move the light, L turns it on and off.
 * @param {import("../lib/comfy.js").NodeView} view @param {HTMLElement} stage
 * @param {(right: number, up: number) => void} move by radians @param {() => void} turn
 */
export function followLight({ root, signal }, stage, move, turn) {
  stage.addEventListener("pointerdown", (down) => {
    if (down.button !== 0) return;
    down.preventDefault();
    root.focus({ preventScroll: true });
    stage.setPointerCapture(down.pointerId);
  }, { signal });
  stage.addEventListener("pointermove", (event) => {
    if (stage.hasPointerCapture(event.pointerId)) move(event.movementX * TURN, -event.movementY * TURN);
  }, { signal });
  root.addEventListener("keydown", (event) => {
    const [right, up] = { ArrowLeft: [-0.12, 0], ArrowRight: [0.12, 0], ArrowUp: [0, 0.12], ArrowDown: [0, -0.12] }[event.key] ?? [0, 0];
    if (event.key === "l") turn();
    else if (right || up) move(right, up);
    else return;
    event.preventDefault();
  }, { signal });
}
