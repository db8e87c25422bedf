/**
 * A disk in the browser's database: chunks of 64 KB by number, copy-on-write over a base where there is one. Writes are
 * gathered in memory and written back in batches, a transaction each, at the latest after WRITE_BACK_MS or with FLUSH.
 * A batch puts its chunks before the head, in one strict transaction: after a crash it is there as a whole, or not at all.
 */
import { get, keys, promisifyRequest } from "idb-keyval";
import { assert } from "../lib/assert";
import { DiskFailed } from "../lib/errors";
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
  SECTOR_BYTES,
} from "./block-device";
import { type DiskHead, forgetAll, forgetBefore, goBack, HEAD, headOf, keepOld } from "./disk-marks";
import { type StrictStore, storeFailure } from "./strict-store";

export { HEAD } from "./disk-marks";

export const WRITE_BACK_MS = 250;
/** Chunks that are kept in memory although they are stored (16 MB). */
const CACHED_CHUNKS = 256;
/** With so many unwritten chunks (64 MB) a write waits for the database. */
const MOST_DIRTY = 1024;
const REPLACE_BATCH = 64;

export interface StoredDiskOptions {
  readonly name: string;
  readonly bytes: number;
  readonly readOnly: boolean;
  readonly store: StrictStore;
  /** What chunks hold that are not stored; left out, zeros. At least as long as needed; belongs to this disk. */
  readonly base?: BlockDevice;
  /** Called when the disk is closed. */
  readonly release?: () => void;
}

export class StoredDisk implements BlockDevice {
  readonly name: string;
  readonly bytes: number;
  readonly readOnly: boolean;
  readonly #store: StrictStore;
  readonly #base: BlockDevice | undefined;
  readonly #release: () => void;
  /** Contents in use, the least recently used first. Whatever is dirty or on its way is among them. */
  readonly #chunks = new Map<number, Uint8Array>();
  /** Chunks on their way from the database. */
  readonly #loading = new Map<number, Promise<Uint8Array>>();
  #dirty = new Set<number>();
  #committing = new Set<number>();
  #commit: Promise<void> | undefined;
  /** As stored; undefined: not read yet. */
  #head: DiskHead | undefined;
  /** The mark from which on what chunks held is kept; undefined: nobody wants to go back. */
  #mark: number | undefined;
  /** Chunks whose contents at that mark are kept already. */
  #kept = new Set<number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Why the last write-back failed; the next write hears of it. */
  #failure: unknown;

  constructor(options: StoredDiskOptions) {
    assert(options.bytes > 0 && options.bytes % SECTOR_BYTES === 0, "a disk has whole sectors");
    this.name = options.name;
    this.bytes = options.bytes;
    this.readOnly = options.readOnly;
    this.#store = options.store;
    this.#base = options.base;
    this.#release = options.release ?? (() => {});
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    checkRange(this, offset, length);
    const result = new Uint8Array(length);
    for (const { index, start, length: part, at } of chunkSpans(offset, length)) {
      const chunk = this.#chunks.get(index) ?? (await this.#load(index));
      result.set(chunk.subarray(start, start + part), at);
    }
    return result;
  }

  write(offset: number, data: Uint8Array): Promise<void> {
    return this.#write(offset, data.slice());
  }

  async #write(offset: number, data: Uint8Array): Promise<void> {
    checkRange(this, offset, data.length);
    checkWritable(this);
    await this.#room();
    for (const { index, start, length, at } of chunkSpans(offset, data.length)) {
      const isWhole = length === chunkLength(this.bytes, index) && !this.#loading.has(index);
      if (isWhole && !this.#chunks.has(index)) this.#keep(index, new Uint8Array(length));
      while (!this.#chunks.has(index)) await this.#load(index);
      // From here to the mark nothing may come between.
      this.#keep(index, this.#chunks.get(index)!).set(data.subarray(at, at + length), start);
      this.#markDirty(index);
    }
  }

  /** A failed write-back is told to the next write, which tries again; a full memory makes it wait. */
  async #room(): Promise<void> {
    if (this.#failure !== undefined || this.#dirty.size >= MOST_DIRTY) await this.#writeBack();
  }

  async trim(offset: number, length: number): Promise<void> {
    checkRange(this, offset, length);
    checkWritable(this);
    await this.#room();
    for (const { index, start, length: part } of chunkSpans(offset, length)) {
      while (!this.#chunks.has(index)) await this.#load(index);
      const chunk = this.#chunks.get(index)!;
      if (isZero(chunk.subarray(start, start + part))) continue;
      chunk.fill(0, start, start + part);
      this.#markDirty(index);
    }
  }

  #markDirty(index: number): void {
    this.#dirty.add(index);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // A failure is kept, and told to the next write or flush.
      this.#writeBack().catch(() => {});
    }, WRITE_BACK_MS);
  }

  /** Brings a chunk into memory, once however many ask. It may be forgotten again before the caller's next turn. */
  #load(index: number): Promise<Uint8Array> {
    let loading = this.#loading.get(index);
    if (!loading) {
      loading = this.#fetch(index).finally(() => this.#loading.delete(index));
      this.#loading.set(index, loading);
    }
    return loading;
  }

  async #fetch(index: number): Promise<Uint8Array> {
    const length = chunkLength(this.bytes, index);
    let stored: unknown;
    try {
      stored = await get(index, this.#store.use);
    } catch (error) {
      throw storeFailure(this.name, error, false);
    }
    if (stored instanceof Uint8Array && stored.length === length) return this.#keep(index, stored);
    return this.#keep(index, this.#base ? await this.#base.read(index * CHUNK_BYTES, length) : new Uint8Array(length));
  }

  /** Notes a use, and forgets what was not used for longest and is stored. */
  #keep(index: number, chunk: Uint8Array): Uint8Array {
    this.#chunks.delete(index);
    this.#chunks.set(index, chunk);
    if (this.#chunks.size > CACHED_CHUNKS) {
      for (const other of this.#chunks.keys()) {
        if (other === index || this.#dirty.has(other) || this.#committing.has(other)) continue;
        this.#chunks.delete(other);
        break;
      }
    }
    return chunk;
  }

  async flush(): Promise<void> {
    if (!this.readOnly) await this.#writeBack();
  }

  /** Resolves when all that is dirty now is durable. */
  async #writeBack(): Promise<void> {
    // Whatever is on its way is not enough: it may have begun before the last write.
    while (this.#commit) await this.#commit.catch(() => {});
    if (this.#dirty.size === 0) {
      if (this.#failure !== undefined) throw storeFailure(this.name, this.#failure, true);
      return;
    }
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#commit = this.#commitDirty().finally(() => {
      this.#commit = undefined;
    });
    await this.#commit;
  }

  async #commitDirty(): Promise<void> {
    this.#committing = this.#dirty;
    this.#dirty = new Set();
    try {
      const { batch, marks } = await this.#readHead();
      const mark = this.#mark;
      const head: DiskHead = { batch: batch + 1, marks: mark === undefined ? [] : marks };
      await this.#store.use("readwrite", (store) => {
        if (head.marks.length < marks.length) forgetAll(store);
        for (const index of [...this.#committing].sort((a, b) => a - b)) {
          if (mark !== undefined && !this.#kept.has(index)) keepOld(store, mark, index);
          const chunk = this.#chunks.get(index)!;
          // Without a base, what is not stored is zero.
          if (!this.#base && isZero(chunk)) store.delete(index);
          else store.put(chunk, index);
        }
        store.put(head, HEAD);
        return promisifyRequest(store.transaction);
      });
      this.#head = head;
      if (mark !== undefined) for (const index of this.#committing) this.#kept.add(index);
      this.#failure = undefined;
    } catch (error) {
      this.#failure = error;
      for (const index of this.#committing) this.#dirty.add(index);
      throw storeFailure(this.name, error, true);
    } finally {
      this.#committing = new Set();
    }
  }

  async #readHead(): Promise<DiskHead> {
    this.#head ??= headOf(await get(HEAD, this.#store.use));
    return this.#head;
  }

  /**
   * What the disk holds now is durable, and it can be taken back to it by the number that is returned, also by who opens
   * it later, until somebody writes to it who has not gone back. Nothing is to be written meanwhile. Throws DiskFailed.
   */
  async mark(): Promise<number> {
    checkWritable(this);
    await this.#writeBack();
    return this.#attempt(async () => {
      const { batch, marks } = await this.#readHead();
      const mark = batch + 1;
      // Marks that nobody here has made or gone back to are of a machine that is out of step.
      const head: DiskHead = { batch: mark, marks: [...(this.#mark === undefined ? [] : marks), mark] };
      await this.#store.use("readwrite", (store) => {
        if (this.#mark === undefined) forgetAll(store);
        store.put(head, HEAD);
        return promisifyRequest(store.transaction);
      });
      this.#head = head;
      this.#mark = mark;
      this.#kept = new Set();
      return mark;
    });
  }

  /** Marks before this one are not wanted any more. Throws DiskFailed. */
  async forgetMarksBefore(mark: number): Promise<void> {
    while (this.#commit) await this.#commit.catch(() => {});
    this.#commit = this.#attempt(async () => {
      const { batch, marks } = await this.#readHead();
      const head: DiskHead = { batch: batch + 1, marks: marks.filter((other) => other >= mark) };
      await this.#store.use("readwrite", (store) => {
        forgetBefore(store, mark);
        store.put(head, HEAD);
        return promisifyRequest(store.transaction);
      });
      this.#head = head;
    }).finally(() => {
      this.#commit = undefined;
    });
    await this.#commit;
  }

  /** Before anything else is done with the disk: it is as it was at that mark. Throws DiskFailed "moved-on" if that cannot be had any more. */
  async goBack(mark: number): Promise<void> {
    checkWritable(this);
    await this.#attempt(async () => {
      const { batch, marks } = await this.#readHead();
      if (!marks.includes(mark))
        throw new DiskFailed(
          this.name,
          "moved-on",
          "another machine has written to it since.",
          "That machine's memory does not fit it any more; the disk itself is well: boot a machine with it.",
        );
      const head: DiskHead = { batch: batch + 1, marks: marks.filter((other) => other <= mark) };
      await this.#store.use("readwrite", (store) => goBack(store, mark, head));
      this.#chunks.clear();
      this.#head = head;
      this.#mark = mark;
    });
  }

  async #attempt<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw storeFailure(this.name, error, true);
    }
  }

  /** The chunk is stored here as it is now, so that the base is not needed for it. */
  async adopt(index: number): Promise<void> {
    await this.#room();
    while (!this.#chunks.has(index)) await this.#load(index);
    this.#markDirty(index);
  }

  /** Indices of the chunks that are stored here: those of a base and those that marks keep are not among them. */
  ownChunks(): Promise<number[]> {
    return this.#storedIndices();
  }

  async *dataChunks(): AsyncGenerator<number> {
    const stored = await this.#storedIndices();
    const all = new Set<number>([...stored, ...this.#dirty, ...this.#committing]);
    if (this.#base) for await (const index of this.#base.dataChunks()) if (index * CHUNK_BYTES < this.bytes) all.add(index);
    for (const index of [...all].sort((a, b) => a - b)) {
      const isUnwritten = this.#dirty.has(index) || this.#committing.has(index);
      if (isUnwritten && isZero(this.#chunks.get(index)!)) continue;
      yield index;
    }
  }

  async #storedIndices(): Promise<number[]> {
    try {
      return (await keys(this.#store.use)).filter((key): key is number => typeof key === "number" && key * CHUNK_BYTES < this.bytes);
    } catch (error) {
      throw storeFailure(this.name, error, false);
    }
  }

  async replace(chunks: AsyncIterable<DiskChunk> | Iterable<DiskChunk>): Promise<void> {
    checkWritable(this);
    await this.#writeBack();
    this.#chunks.clear();
    const old = new Set(await this.#storedIndices());
    if (this.#base) for await (const index of this.#base.dataChunks()) if (index * CHUNK_BYTES < this.bytes) old.add(index);
    let previous = -1;
    for await (const chunk of chunks) {
      checkChunk(this, chunk, previous);
      previous = chunk.index;
      old.delete(chunk.index);
      await this.write(chunk.index * CHUNK_BYTES, chunk.bytes);
      if (this.#dirty.size >= REPLACE_BATCH) await this.#writeBack();
    }
    for (const index of old) {
      await this.trim(index * CHUNK_BYTES, chunkLength(this.bytes, index));
      if (this.#dirty.size >= REPLACE_BATCH) await this.#writeBack();
    }
    await this.#writeBack();
  }

  async close(): Promise<void> {
    try {
      await this.flush();
      await this.#base?.close();
    } finally {
      if (this.#timer !== undefined) clearTimeout(this.#timer);
      this.#store.close();
      this.#release();
    }
  }
}
