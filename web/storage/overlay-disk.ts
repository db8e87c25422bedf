/** A disk in memory over another that is only read: what is not written is read from below when it is first wanted. */
import { assert } from "../lib/assert";
import {
  type BlockDevice,
  CHUNK_BYTES,
  checkChunk,
  checkRange,
  checkWritable,
  chunkLength,
  chunkSpans,
  type DiskChunk,
  isZero,
} from "./block-device";

export class OverlayDisk implements BlockDevice {
  readonly name: string;
  readonly bytes: number;
  readonly readOnly: boolean;
  readonly #base: Pick<BlockDevice, "bytes" | "name" | "read" | "dataChunks" | "close">;
  readonly #chunks = new Map<number, Uint8Array>();
  /** Chunks on their way from below, for a write to a part of them. */
  readonly #loading = new Map<number, Promise<void>>();

  constructor(base: Pick<BlockDevice, "bytes" | "name" | "read" | "dataChunks" | "close">, readOnly = false) {
    this.#base = base;
    this.name = base.name;
    this.bytes = base.bytes;
    this.readOnly = readOnly;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    checkRange(this, offset, length);
    const result = new Uint8Array(length);
    for (const { index, start, length: part, at } of chunkSpans(offset, length)) {
      const mine = this.#chunks.get(index);
      if (mine) {
        result.set(mine.subarray(start, start + part), at);
        continue;
      }
      const below = await this.#base.read(index * CHUNK_BYTES + start, part);
      // It may have been written meanwhile; a controller lets only what does not overlap do so.
      result.set(below, at);
    }
    return result;
  }

  write(offset: number, data: Uint8Array): Promise<void> {
    return this.#write(offset, data.slice());
  }

  async #write(offset: number, data: Uint8Array): Promise<void> {
    checkRange(this, offset, data.length);
    checkWritable(this);
    for (const { index, start, length, at } of chunkSpans(offset, data.length))
      (await this.#own(index, length)).set(data.subarray(at, at + length), start);
  }

  async trim(offset: number, length: number): Promise<void> {
    checkRange(this, offset, length);
    checkWritable(this);
    for (const { index, start, length: part } of chunkSpans(offset, length)) (await this.#own(index, part)).fill(0, start, start + part);
  }

  /** The chunk here, for a write of so many of its bytes. */
  async #own(index: number, length: number): Promise<Uint8Array> {
    const size = chunkLength(this.bytes, index);
    if (!this.#chunks.has(index) && length === size && !this.#loading.has(index)) this.#chunks.set(index, new Uint8Array(size));
    if (!this.#chunks.has(index)) {
      let loading = this.#loading.get(index);
      if (!loading) {
        loading = this.#base
          .read(index * CHUNK_BYTES, size)
          .then((contents) => void this.#chunks.set(index, contents))
          .finally(() => this.#loading.delete(index));
        this.#loading.set(index, loading);
      }
      await loading;
    }
    const chunk = this.#chunks.get(index);
    assert(chunk !== undefined, "what was loaded is here");
    return chunk;
  }

  /** Keeps all that lies below here, so that it need not be there any more. Rejects as it does. */
  async bringAll(onProgress: (done: number, total: number) => void, goesOn: () => boolean): Promise<void> {
    const indices: number[] = [];
    for await (const index of this.#base.dataChunks()) indices.push(index);
    for (const [n, index] of indices.entries()) {
      if (!goesOn()) return;
      onProgress(n, indices.length);
      await this.#own(index, 0);
    }
    onProgress(indices.length, indices.length);
  }

  async flush(): Promise<void> {}

  async *dataChunks(): AsyncGenerator<number> {
    const all = new Set(this.#chunks.keys());
    for await (const index of this.#base.dataChunks()) all.add(index);
    for (const index of [...all].sort((a, b) => a - b)) {
      const mine = this.#chunks.get(index);
      if (!mine || !isZero(mine)) yield index;
    }
  }

  async replace(chunks: AsyncIterable<DiskChunk> | Iterable<DiskChunk>): Promise<void> {
    checkWritable(this);
    const next = new Map<number, Uint8Array>();
    let previous = -1;
    for await (const chunk of chunks) {
      checkChunk(this, chunk, previous);
      previous = chunk.index;
      next.set(chunk.index, chunk.bytes.slice());
    }
    for await (const index of this.dataChunks()) if (!next.has(index)) next.set(index, new Uint8Array(chunkLength(this.bytes, index)));
    this.#chunks.clear();
    for (const [index, bytes] of next) this.#chunks.set(index, bytes);
  }

  close(): Promise<void> {
    return this.#base.close();
  }
}
