/** Which keys, wheel turns and presses belong to a view and which to the canvas under it. */

/** @typedef {import("./frontend").ComfyApp["canvas"]} Canvas */

/** Keys that ComfyUI still gets while a view has the focus. */
const PASSED_ON = new Set(["Enter", "s", "S", "o", "O"]); // with Ctrl: queue, save, open

/**
 * Keys, the wheel and the pointer belong to a view while it has the focus, and to the canvas otherwise.
 * @param {HTMLElement} root
 * @param {() => Canvas | null} classic the canvas that nodes are drawn on; null where they are DOM, which guards itself
 */
export function guardEvents(root, classic) {
  root.addEventListener("keydown", (event) => {
    const passed = (event.ctrlKey || event.metaKey) && PASSED_ON.has(event.key) && !event.defaultPrevented;
    if (!passed) event.stopPropagation();
  });
  for (const type of ["copy", "cut", "paste"]) root.addEventListener(type, (event) => event.stopPropagation());
  root.addEventListener("pointerdown", (event) => {
    const canvas = classic();
    if (event.button === 1 && canvas) return panFrom(event, canvas);
    if (!root.contains(document.activeElement)) root.focus({ preventScroll: true });
    event.stopPropagation();
  });
  root.addEventListener(
    "wheel",
    (event) => {
      const ours = root.contains(document.activeElement) && !event.ctrlKey && !event.metaKey;
      if (ours) event.stopPropagation();
      else if (classic()) {
        event.preventDefault();
        classic()?.processMouseWheel(event);
      }
    },
    { passive: false },
  );
}

/** The middle button pans the classic canvas, over a view as anywhere. @param {PointerEvent} down @param {Canvas} canvas */
function panFrom(down, canvas) {
  down.preventDefault();
  const ending = new AbortController();
  canvas.processMouseDown(down);
  window.addEventListener("pointermove", (move) => canvas.processMouseMove(move), { signal: ending.signal });
  const end = (/** @type {PointerEvent} */ up) => {
    ending.abort();
    canvas.processMouseUp(up);
  };
  window.addEventListener("pointerup", end, { signal: ending.signal });
}
