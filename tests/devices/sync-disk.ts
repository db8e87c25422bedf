/**
 * Disks that are done at once: their promises call back synchronously, so that a test needs no waiting. (A device that
 * awaited them would still wait; ours only hands them on.)
 */
import { type BlockDevice, CHUNK_BYTES, checkRange } from "../../web/storage/block-device";

/** A promise that has settled already, whose listeners are called synchronously. */
export function settled<T>(run: () => T): Promise<T> {
  let outcome: { value: T } | { error: unknown };
  try {
    outcome = { value: run() };
  } catch (error) {
    outcome = { error };
  }
  const then = (onValue?: ((value: T) => unknown) | null, onError?: ((error: unknown) => unknown) | null): Promise<unknown> => {
    if ("error" in outcome) return onError ? flat(() => onError(outcome.error)) : (promise as Promise<unknown>);
    const { value } = outcome;
    return onValue ? flat(() => onValue(value)) : (promise as Promise<unknown>);
  };
  const promise = { then } as unknown as Promise<T>;
  return promise;
}

/** What a listener returned; its result, if it is such a promise itself. */
function flat(run: () => unknown): Promise<unknown> {
  let inner: unknown;
  try {
    inner = run();
  } catch (error) {
    return settled(() => {
      throw error;
    });
  }
  return typeof inner === "object" && inner !== null && "then" in inner ? (inner as Promise<unknown>) : settled(() => inner);
}

/** An array. */
export class SyncDisk implements BlockDevice {
  readonly name = "sync";
  readonly contents: Uint8Array;
  /** Thrown by the next operations, while set. */
  failure: Error | undefined;
  /** What was asked, in order. */
  readonly calls: string[] = [];
  constructor(
    readonly bytes: number,
    readonly readOnly = false,
  ) {
    this.contents = new Uint8Array(bytes);
  }
  #do<T>(call: string, offset: number, length: number, run: () => T): Promise<T> {
    this.calls.push(call);
    return settled(() => {
      if (this.failure) throw this.failure;
      checkRange(this, offset, length);
      return run();
    });
  }
  read(offset: number, length: number): Promise<Uint8Array> {
    return this.#do(`read ${offset} ${length}`, offset, length, () => this.contents.slice(offset, offset + length));
  }
  write(offset: number, data: Uint8Array): Promise<void> {
    return this.#do(`write ${offset} ${data.length}`, offset, data.length, () => this.contents.set(data, offset));
  }
  trim(offset: number, length: number): Promise<void> {
    return this.#do(`trim ${offset} ${length}`, offset, length, () => void this.contents.fill(0, offset, offset + length));
  }
  flush(): Promise<void> {
    return this.#do("flush", 0, 0, () => undefined);
  }
  async *dataChunks(): AsyncGenerator<number> {
    for (let index = 0; index * CHUNK_BYTES < this.bytes; index++) yield index;
  }
  async replace(): Promise<void> {}
  async close(): Promise<void> {}
}

/** What it reads depends on the place alone; writes are lost. For laws, which compare two chips that have two disks. */
export class PatternDisk extends SyncDisk {
  override read(offset: number, length: number): Promise<Uint8Array> {
    return settled(() => Uint8Array.from({ length }, (_, i) => ((offset + i) * 167) >> 3));
  }
  override write(): Promise<void> {
    return settled(() => undefined);
  }
  override trim(): Promise<void> {
    return settled(() => undefined);
  }
}
