/** Drawing on demand: before the next frame, once for all that changed by then, and not while the picture is out of sight. */

export class OnDemand {
  /** @param {Element} place what is drawn in @param {AbortSignal} signal the end @param {() => void} draw */
  constructor(place, signal, draw) {
    this.place = place;
    this.signal = signal;
    this.draw = draw;
    this.isSeen = false;
    this.waiting = false;
    this.stale = false;
    const sight = new IntersectionObserver(([{ isIntersecting }]) => {
      this.isSeen = isIntersecting;
      if (isIntersecting && this.stale) this.redraw();
    });
    sight.observe(place);
    signal.addEventListener("abort", () => sight.disconnect(), { once: true });
  }

  redraw() {
    if (this.waiting || this.signal.aborted) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.stale = !this.isSeen;
      if (this.isSeen) this.draw();
    });
  }

  /** Draws again when the place has another size; none is that of a hidden one. */
  followSize() {
    const room = new ResizeObserver(([{ contentRect }]) => contentRect.width > 0 && this.redraw());
    room.observe(this.place);
    this.signal.addEventListener("abort", () => room.disconnect(), { once: true });
  }
}
