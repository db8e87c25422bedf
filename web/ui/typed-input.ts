/** Types for the user: each text when the guest has sent another, such as a prompt. */

export interface TypedStep {
  /** Typed when the guest has sent this since the step before; empty: at once. */
  readonly after: string;
  readonly text: string;
}

export class TypedInput {
  readonly #steps: TypedStep[];
  readonly #type: (bytes: Uint8Array) => void;
  /** What the guest has sent since the last step, one character a byte; only as much as can still match. */
  #seen = "";

  constructor(steps: readonly TypedStep[], type: (bytes: Uint8Array) => void) {
    this.#steps = steps.map(({ after, text }) => ({ after: latin1(after), text }));
    this.#type = type;
  }

  /** Bytes that the guest has sent. */
  add(bytes: Uint8Array): void {
    if (this.#steps.length === 0) return;
    for (const byte of bytes) this.#seen += String.fromCharCode(byte);
    for (;;) {
      const step = this.#steps[0];
      if (!step) return;
      const at = this.#seen.indexOf(step.after);
      if (at < 0) break;
      this.#seen = this.#seen.slice(at + step.after.length);
      this.#steps.shift();
      this.#type(new TextEncoder().encode(step.text));
    }
    const kept = Math.max(0, this.#steps[0]!.after.length - 1);
    this.#seen = kept === 0 ? "" : this.#seen.slice(-kept);
  }
}

const latin1 = (text: string): string => String.fromCharCode(...new TextEncoder().encode(text));
