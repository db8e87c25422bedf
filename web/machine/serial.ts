/**
 * A serial port as the machine's user sees it: bytes out in batches, bytes in as logged inputs. Host bytes wait here
 * until the chip's queue has room, so that any amount may be written at once.
 */
import { type Disposable, Emitter } from "../lib/disposable";

/** The chip's side: web/machine/devices/uart.ts. */
export interface SerialChip {
  onTransmit: (byte: number) => void;
  onReceiveDrained: () => void;
  /** Returns how many bytes were taken. */
  receive(bytes: ArrayLike<number>): number;
}

export interface SerialPort {
  /** Sends text (as UTF-8) or bytes to the guest, as fast as it reads. */
  write(data: string | Uint8Array): void;
  /** Hears what the guest sends, in order, in batches. */
  onData(listener: (bytes: Uint8Array) => void): Disposable;
}

/** Bytes for the guest that its chip has no room for yet. */
export interface PendingInput {
  readonly bytes: Uint8Array;
  /** The chip will be asked before the next instruction; otherwise when its queue has become empty. */
  readonly isOffered: boolean;
}

const FIRST_BUFFER_BYTES = 4096;

export class Serial implements SerialPort {
  readonly #chip: SerialChip;
  /** Calls the function between two `run()` calls of the core and logs the bytes it returns as an input. */
  readonly #asInput: (give: () => Uint8Array | undefined) => void;
  readonly #listeners = new Emitter<Uint8Array>();
  #output = new Uint8Array(FIRST_BUFFER_BYTES);
  #outputBytes = 0;
  #backlog: Uint8Array[] = [];
  /** Offers to the chip that wait for the guest to pause between two instructions. */
  #offers = 0;
  /** Takes the output instead of the listeners: what was heard once is sent again. */
  divert: ((bytes: Uint8Array) => void) | undefined;
  /** Hears every byte at the instruction that sent it. */
  onByte: ((byte: number) => void) | undefined;

  constructor(chip: SerialChip, asInput: (give: () => Uint8Array | undefined) => void) {
    this.#chip = chip;
    this.#asInput = asInput;
    chip.onTransmit = (byte) => this.#transmitted(byte);
    chip.onReceiveDrained = () => {
      if (this.#backlog.length > 0) this.#offer();
    };
  }

  write(data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data.slice();
    if (bytes.length === 0) return;
    this.#backlog.push(bytes);
    if (this.#backlog.length === 1) this.#offer();
  }

  onData(listener: (bytes: Uint8Array) => void): Disposable {
    return this.#listeners.on(listener);
  }

  /** Gives what the guest has sent to the listeners. */
  flush(): void {
    if (this.#outputBytes === 0) return;
    const batch = this.#output.slice(0, this.#outputBytes);
    this.#outputBytes = 0;
    if (this.divert) this.divert(batch);
    else this.#listeners.emit(batch);
  }

  /** Drops what the guest has not yet been given (power-off, loading another state). */
  clear(): void {
    this.#backlog = [];
    this.#offers = 0;
  }

  /** What the host has written and the chip has not taken: a snapshot must not lose it. */
  get pending(): PendingInput {
    const bytes = new Uint8Array(this.#backlog.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of this.#backlog) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return { bytes, isOffered: this.#offers > 0 };
  }

  /** Goes on with the pending input of another run; the chip has its own state already. */
  restorePending({ bytes, isOffered }: PendingInput): void {
    this.clear();
    if (bytes.length === 0) return;
    this.#backlog = [bytes];
    if (isOffered) this.#offer();
  }

  /** Gives the chip what it was given in a recorded run. */
  repeat(bytes: Uint8Array): void {
    this.#chip.receive(bytes);
  }

  #transmitted(byte: number): void {
    if (this.#outputBytes === this.#output.length) {
      const larger = new Uint8Array(this.#output.length * 2);
      larger.set(this.#output);
      this.#output = larger;
    }
    this.#output[this.#outputBytes++] = byte;
    this.onByte?.(byte);
  }

  #offer(): void {
    const first = this.#backlog[0]!;
    this.#offers++;
    this.#asInput(() => {
      this.#offers = Math.max(0, this.#offers - 1);
      // The backlog may have been dropped, or given by an earlier offer.
      if (this.#backlog[0] !== first) return undefined;
      const taken = this.#chip.receive(first);
      if (taken < first.length) this.#backlog[0] = first.subarray(taken);
      else this.#backlog.shift();
      if (taken > 0 && this.#backlog.length > 0) this.#offer();
      return taken > 0 ? first.subarray(0, taken) : undefined;
    });
  }
}
