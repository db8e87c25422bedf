/** State that components watch: one immutable value, replaced as a whole. */
import { useEffect, useState } from "preact/hooks";
import { type Disposable, Emitter } from "../lib/disposable";

export class Store<T> {
  #value: T;
  readonly #changes = new Emitter<T>();

  constructor(initial: T) {
    this.#value = initial;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    this.#changes.emit(value);
  }

  /** Replaces some fields. */
  patch(fields: Partial<T>): void {
    this.set({ ...this.#value, ...fields });
  }

  onChange(listener: (value: T) => void): Disposable {
    return this.#changes.on(listener);
  }
}

/** The store's value; the component is drawn again when it changes. */
export function useStore<T>(store: Store<T>): T {
  const [, redraw] = useState<unknown>();
  useEffect(() => {
    // What changed between drawing and this effect must not be missed.
    redraw(store.value);
    const listening = store.onChange(redraw);
    return () => listening.dispose();
  }, [store]);
  return store.value;
}
