/** A disk in memory: for tests, for scratch, and as the contents of a snapshot that is tried out. Nothing is durable. */

import { assert } from "../lib/assert";
import {
  type BlockDevice,
  checkChunk,
  checkRange,
  checkWritable,
  chunkLength,
  chunkSpans,
  type DiskChunk,
  isZero,
  SECTOR_BYTES,
} from "./block-device";

export interface MemoryDiskOptions {
  readonly name?: string;
  readonly readOnly?: boolean;
  /** Contents from offset 0; the rest is zero. */
  readonly contents?: Uint8Array;
}

export class MemoryDisk implements BlockDevice {
  readonly name: string;
  readonly readOnly: boolean;
  /** Chunks that were written; zeros are not kept. */
  #chunks = new Map<number, Uint8Array>();

  constructor(
    readonly bytes: number,
    options: MemoryDiskOptions = {},
  ) {
    assert(bytes > 0 && bytes % SECTOR_BYTES === 0, "a disk has whole sectors");
    this.name = options.name ?? "memory";
    this.readOnly = options.readOnly ?? false;
    if (options.contents) {
      checkRange(this, 0, options.contents.length);
      this.#put(0, options.contents);
    }
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    checkRange(this, offset, length);
    const result = new Uint8Array(length);
    for (const { index, start, length: part, at } of chunkSpans(offset, length)) {
      const chunk = this.#chunks.get(index);
      if (chunk) result.set(chunk.subarray(start, start + part), at);
    }
    return result;
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    checkRange(this, offset, data.length);
    checkWritable(this);
    this.#put(offset, data);
  }

  #put(offset: number, data: Uint8Array): void {
    for (const { index, start, length, at } of chunkSpans(offset, data.length)) {
      let chunk = this.#chunks.get(index);
      if (!chunk) {
        chunk = new Uint8Array(chunkLength(this.bytes, index));
        this.#chunks.set(index, chunk);
      }
      chunk.set(data.subarray(at, at + length), start);
    }
  }

  async trim(offset: number, length: number): Promise<void> {
    checkRange(this, offset, length);
    checkWritable(this);
    for (const { index, start, length: part } of chunkSpans(offset, length)) {
      if (part === chunkLength(this.bytes, index)) this.#chunks.delete(index);
      else this.#chunks.get(index)?.fill(0, start, start + part);
    }
  }

  async flush(): Promise<void> {}

  async *dataChunks(): AsyncGenerator<number> {
    for (const index of [...this.#chunks.keys()].sort((a, b) => a - b)) {
      const chunk = this.#chunks.get(index);
      if (chunk && !isZero(chunk)) yield index;
    }
  }

  async replace(chunks: AsyncIterable<DiskChunk> | Iterable<DiskChunk>): Promise<void> {
    checkWritable(this);
    const next = new Map<number, Uint8Array>();
    let previous = -1;
    for await (const chunk of chunks) {
      checkChunk(this, chunk, previous);
      previous = chunk.index;
      if (!isZero(chunk.bytes)) next.set(chunk.index, chunk.bytes.slice());
    }
    this.#chunks = next;
  }

  async close(): Promise<void> {}
}
