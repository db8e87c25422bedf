/** The POST codes that a guest writes: the last one, who listens, and the code at which a run stops. */
import { type Disposable, Emitter } from "../lib/disposable";

export class PostCodes {
  readonly #codes = new Emitter<number>();
  #last: number | null = null;

  /** The guest has written a code. */
  write(code: number): void {
    this.#last = code;
    this.#codes.emit(code);
  }

  /** The last code, or null before the first. */
  get last(): number | null {
    return this.#last;
  }

  /** Hears each code when it is written. */
  onCode(listener: (code: number) => void): Disposable {
    return this.#codes.on(listener);
  }
}

/** Looks for one code, so that a run stops at the instruction that writes it. */
export class PostWatch implements Disposable {
  seen = false;
  readonly #listening: Disposable;

  constructor(codes: PostCodes, wanted: number, onSeen: () => void) {
    this.#listening = codes.onCode((code) => {
      if (code !== wanted || this.seen) return;
      this.seen = true;
      onSeen();
    });
  }

  dispose(): void {
    this.#listening.dispose();
  }
}
