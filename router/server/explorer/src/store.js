import { useSyncExternalStore } from "react";

// A value that components follow; whoever changes it replaces it.
export class Store {
  #listeners = new Set();
  #state;

  constructor(state) {
    this.#state = state;
  }

  get state() {
    return this.#state;
  }

  change(part) {
    this.#state = { ...this.#state, ...part };
    for (const listener of this.#listeners) listener();
  }

  subscribe = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  use() {
    return useSyncExternalStore(this.subscribe, () => this.#state);
  }
}
