/** A first-in first-out queue of bytes with a fixed capacity, for the host's side of serial lines. */

export class ByteQueue {
  readonly #ring: Uint8Array;
  #head = 0;
  #length = 0;

  constructor(readonly capacity: number) {
    this.#ring = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Appends as many of the bytes as fit and returns how many that were. */
  push(bytes: ArrayLike<number>): number {
    const count = Math.min(bytes.length, this.capacity - this.#length);
    for (let i = 0; i < count; i++) this.#ring[(this.#head + this.#length + i) % this.capacity] = bytes[i]!;
    this.#length += count;
    return count;
  }

  /** Removes and returns the oldest byte, or -1. */
  shift(): number {
    if (this.#length === 0) return -1;
    const byte = this.#ring[this.#head]!;
    this.#head = (this.#head + 1) % this.capacity;
    this.#length--;
    return byte;
  }

  clear(): void {
    this.#head = 0;
    this.#length = 0;
  }

  /** The bytes, oldest first. */
  toArray(): number[] {
    return Array.from({ length: this.#length }, (_, i) => this.#ring[(this.#head + i) % this.capacity]!);
  }
}
