/**
 * Reads a stream of chunks as if it were a file: exact counts, skips, and sub-streams. Holds one chunk at a time,
 * whatever the size of the stream, which is what keeps a 50 MB package out of memory.
 */
import { GuestsError } from "./guests-error";

export type ByteStream = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #used = 0;

  /** `what` names the stream in error messages: "package busybox-static". */
  constructor(
    source: ByteStream,
    readonly what: string,
  ) {
    this.#chunks = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  }

  /** Makes at least one unread byte available; false at the end of the stream. */
  async #fill(): Promise<boolean> {
    while (this.#used === this.#chunk.length) {
      const next = await this.#chunks.next();
      if (next.done) return false;
      this.#chunk = next.value;
      this.#used = 0;
    }
    return true;
  }

  async atEnd(): Promise<boolean> {
    return !(await this.#fill());
  }

  /** Up to `limit` bytes that are at hand, at least one; the view is valid until the next call. */
  async #some(limit: number): Promise<Uint8Array> {
    if (!(await this.#fill())) throw new GuestsError("damaged", `${this.what} ends too early: delete it and fetch it again`);
    const some = this.#chunk.subarray(this.#used, this.#used + limit);
    this.#used += some.length;
    return some;
  }

  /** Exactly `count` bytes, in memory of their own. Throws GuestsError "damaged" at an early end. */
  async read(count: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count; ) {
      const some = await this.#some(count - at);
      bytes.set(some, at);
      at += some.length;
    }
    return bytes;
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0; ) left -= (await this.#some(left)).length;
  }

  /** The next `count` bytes as a stream. It must be drained before this reader is used again. */
  async *take(count: number): AsyncGenerator<Uint8Array> {
    for (let left = count; left > 0; ) {
      const some = await this.#some(left);
      left -= some.length;
      yield some;
    }
  }

  /** Lets the source free what it holds. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}

/** All of a stream in one array. Throws GuestsError "damaged" beyond `limit` bytes. */
export async function collect(source: ByteStream, limit: number, what: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of source) {
    total += chunk.length;
    if (total > limit) throw new GuestsError("damaged", `${what} is larger than the ${limit} bytes it may have`);
    chunks.push(chunk.slice());
  }
  const all = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** The chunks of a web stream; not every browser can iterate over one. */
export async function* streamChunks(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    // After the end, or after an error, this does nothing.
    await reader.cancel().catch(() => {});
  }
}
