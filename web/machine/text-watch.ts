/** Looks for a text in what a serial port sends, byte by byte, so that a run stops at the instruction that completes it. */
import type { Disposable } from "../lib/disposable";
import type { Serial } from "./serial";

export class TextWatch implements Disposable {
  readonly #serial: Serial;
  readonly #text: Uint8Array;
  /** Length of the longest prefix of the text that the bytes so far end with. */
  #matched = 0;
  /** Knuth-Morris-Pratt: for each prefix, the length of its longest proper prefix that is also its end. */
  readonly #fallback: Uint16Array;
  readonly #listener: (byte: number) => void;
  seen = false;

  constructor(serial: Serial, text: string, onSeen: () => void) {
    this.#serial = serial;
    this.#text = new TextEncoder().encode(text);
    this.#fallback = new Uint16Array(this.#text.length + 1);
    for (let i = 1, k = 0; i < this.#text.length; i++) {
      while (k > 0 && this.#text[i] !== this.#text[k]) k = this.#fallback[k]!;
      if (this.#text[i] === this.#text[k]) k++;
      this.#fallback[i + 1] = k;
    }
    this.#listener = (byte) => {
      if (this.seen) return;
      while (this.#matched > 0 && byte !== this.#text[this.#matched]) this.#matched = this.#fallback[this.#matched]!;
      if (byte === this.#text[this.#matched]) this.#matched++;
      if (this.#matched < this.#text.length) return;
      this.seen = true;
      onSeen();
    };
    serial.onByte = this.#listener;
  }

  dispose(): void {
    // A later watch may have taken over.
    if (this.#serial.onByte === this.#listener) this.#serial.onByte = undefined;
  }
}
