/**
 * Output on its way to the terminal, paced by what a frame of it costs: drawing the terminal takes at most a share of the page's
 * time, so that on a slow processor keys and clicks are answered while a guest prints without end. What comes after a pause (a
 * key's echo) is written at once.
 */

export interface PacerHost {
  now(): number;
  setTimer(callback: () => void, ms: number): void;
  /** Calls back when the bytes are in the terminal, though not drawn. */
  write(bytes: Uint8Array, taken: () => void): void;
  /** Tells, in ms, what the next frame takes of the page's time from its callbacks to its end. */
  measureFrame(done: (ms: number) => void): void;
}

/** Of the page's time, one part in so many is the terminal's. */
const SHARE = 6;
/** Even where frames are very slow, text moves so often. */
const LONGEST_GAP_MS = 250;

export class TerminalPacer {
  readonly #host: PacerHost;
  #waiting: (readonly [Uint8Array, () => void])[] = [];
  /** By the host's clock; before it nothing is written. */
  #due = Number.NEGATIVE_INFINITY;
  #gapMs = 0;
  #hasTimer = false;
  #isMeasuring = false;

  constructor(host: PacerHost) {
    this.#host = host;
  }

  add(bytes: Uint8Array, taken: () => void): void {
    this.#waiting.push([bytes, taken]);
    this.#schedule();
  }

  /** The user does something whose effect is to be seen first. */
  yieldToUser(): void {
    this.#due = Math.max(this.#due, this.#host.now() + this.#gapMs / 2);
  }

  #schedule(): void {
    if (this.#hasTimer) return;
    const wait = this.#due - this.#host.now();
    if (wait <= 0) {
      this.#flush();
      return;
    }
    this.#hasTimer = true;
    this.#host.setTimer(() => {
      this.#hasTimer = false;
      this.#schedule();
    }, wait);
  }

  #flush(): void {
    const parts = this.#waiting;
    this.#waiting = [];
    this.#due = this.#host.now() + this.#gapMs;
    parts.forEach(([bytes, taken], index) => {
      this.#host.write(bytes, () => {
        taken();
        if (index === parts.length - 1) this.#measure();
      });
    });
  }

  #measure(): void {
    if (this.#isMeasuring) return;
    this.#isMeasuring = true;
    this.#host.measureFrame((ms) => {
      this.#isMeasuring = false;
      this.#gapMs = Math.min(LONGEST_GAP_MS, SHARE * ms);
    });
  }
}

/** From a frame's callbacks to the first task after its drawing; only while the page is visible, when there are frames. */
export function measureFrame(done: (ms: number) => void): void {
  requestAnimationFrame(() => {
    const start = performance.now();
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      done(performance.now() - start);
    };
    port2.postMessage(undefined);
  });
}
