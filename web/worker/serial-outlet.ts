/**
 * Serial output on its way to the page: gathered into batches, at most one in 16 ms, and held back when the page
 * cannot keep up with showing them, so that a guest that prints without end does not fill the page's memory.
 */

export interface OutletHost {
  now(): number;
  setTimer(callback: () => void, ms: number): void;
  post(bytes: Uint8Array): void;
  /** Asks that the guest stop (true) or go on (false) until the page has caught up. */
  hold(held: boolean): void;
}

const BATCH_MS = 16;
/** Bytes sent and not yet shown: above the first the guest waits, below the second it goes on. */
const HIGH_WATER = 512 * 1024;
const LOW_WATER = 128 * 1024;

export class SerialOutlet {
  readonly #host: OutletHost;
  #batch: Uint8Array[] = [];
  #lastPost = Number.NEGATIVE_INFINITY;
  #timerSet = false;
  #unshown = 0;
  #isHeld = false;

  constructor(host: OutletHost) {
    this.#host = host;
  }

  /** Takes bytes over from the machine. */
  add(bytes: Uint8Array): void {
    this.#batch.push(bytes);
    const due = this.#lastPost + BATCH_MS - this.#host.now();
    if (due <= 0) this.flush();
    else if (!this.#timerSet) {
      this.#timerSet = true;
      this.#host.setTimer(() => {
        this.#timerSet = false;
        this.flush();
      }, due);
    }
  }

  /** Posts what is there; before news that must not overtake it. */
  flush(): void {
    if (this.#batch.length === 0) return;
    const bytes = joined(this.#batch);
    this.#batch = [];
    this.#lastPost = this.#host.now();
    this.#unshown += bytes.length;
    this.#host.post(bytes);
    if (!this.#isHeld && this.#unshown > HIGH_WATER) this.#hold(true);
  }

  /** The page has shown so many bytes. */
  shown(bytes: number): void {
    this.#unshown = Math.max(0, this.#unshown - bytes);
    if (this.#isHeld && this.#unshown < LOW_WATER) this.#hold(false);
  }

  #hold(held: boolean): void {
    this.#isHeld = held;
    this.#host.hold(held);
  }
}

/** A buffer of its own, fit for transfer. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
