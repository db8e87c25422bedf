/** Things that must be let go of again: listeners, timers, workers. Disposing twice is harmless. */

export interface Disposable {
  dispose(): void;
}

/** Wraps a clean-up function so that it runs at most once. */
export function toDisposable(cleanUp: () => void): Disposable {
  let done = false;
  return {
    dispose() {
      if (done) return;
      done = true;
      cleanUp();
    },
  };
}

/** Several disposables that live and die together; disposed in reverse order, each even if another throws. */
export class Disposables implements Disposable {
  #items: Disposable[] = [];
  #disposed = false;

  /** Adds an item; on a disposed set it is disposed at once, so that nothing leaks when a set-up races its end. */
  add<T extends Disposable>(item: T): T {
    if (this.#disposed) item.dispose();
    else this.#items.push(item);
    return item;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    const items = this.#items.reverse();
    this.#items = [];
    let failure: { error: unknown } | undefined;
    for (const item of items) {
      try {
        item.dispose();
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure) throw failure.error;
  }
}

/** A list of listeners for one kind of event. Listeners are called in the order they were added. */
export class Emitter<T> implements Disposable {
  #listeners: ((event: T) => void)[] = [];

  on(listener: (event: T) => void): Disposable {
    this.#listeners = [...this.#listeners, listener];
    return toDisposable(() => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    });
  }

  /** Calls the listeners that are registered now; those added or removed meanwhile take effect next time. */
  emit(event: T): void {
    for (const listener of this.#listeners) listener(event);
  }

  get listenerCount(): number {
    return this.#listeners.length;
  }

  dispose(): void {
    this.#listeners = [];
  }
}
