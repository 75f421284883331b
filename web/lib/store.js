/** A value that tells when it changes. Knows no DOM. */

/**
 * @template {object} State
 */
export class Store {
  /** @param {State} state */
  constructor(state) {
    this.state = state;
    /** @type {Set<(state: State, changed: Set<keyof State>) => void>} */
    this.listeners = new Set();
  }

  /** Sets some keys; listeners hear which of them are new. @param {Partial<State>} changes */
  set(changes) {
    const keys = /** @type {(keyof State)[]} */ (Object.keys(changes));
    const changed = new Set(keys.filter((key) => !Object.is(changes[key], this.state[key])));
    if (!changed.size) return;
    this.state = { ...this.state, ...changes };
    for (const listener of [...this.listeners]) listener(this.state, changed);
  }

  /** @param {(state: State, changed: Set<keyof State>) => void} listener @param {AbortSignal} signal */
  on(listener, signal) {
    if (signal.aborted) return;
    this.listeners.add(listener);
    signal.addEventListener("abort", () => this.listeners.delete(listener), { once: true });
  }
}
