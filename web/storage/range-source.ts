/**
 * A file on a web server, read by position with HTTP range requests (RFC 9110, 14). Blocks of 4 KB, of which some are
 * kept; who reads on gets the next ones ahead. A server that does not answer is asked again until it does: whoever
 * reads only waits, and `onWaiting` says why. A server without ranges is asked once, for the whole file.
 */
import { DownloadFailed } from "../lib/errors";
import type { FileSource } from "./qcow2";

export const BLOCK_BYTES = 0x1000;
/** 16 MB. */
const MOST_BLOCKS = 4096;
/** One request brings so many blocks at most. */
const MOST_IN_REQUEST = 256;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;
const SILENCE_MS = 30_000;

export interface RangeOptions {
  /** Bytes, where they are known; else the server must say it in a header that this page may read. */
  readonly size?: number;
  /** Why reading waits; undefined: it goes on. */
  readonly onWaiting?: (reason: string | undefined) => void;
  /** Ends all waiting. */
  readonly signal?: AbortSignal;
  /** Tests give their own. */
  readonly fetch?: typeof fetch;
  readonly wait?: (ms: number) => Promise<void>;
}

const anotherFile = (bytes: number | string, expected: number): string =>
  `It has ${bytes} bytes, not ${expected}: it is another file by now. Open the link again.`;

/** What the server said that makes asking again pointless. */
class Refused extends Error {
  constructor(
    readonly status: number,
    hint: string,
  ) {
    super(hint);
  }
}

export class RangeSource implements FileSource {
  /** The last used last. */
  readonly #blocks = new Map<number, Promise<Uint8Array>>();
  readonly #options: Required<Omit<RangeOptions, "size" | "signal" | "onWaiting">> & RangeOptions;
  /** The whole file, from a server without ranges. */
  #whole: Blob | undefined;
  #waiting = 0;
  #lastRead = -2;
  /** How many blocks more are asked for when somebody reads on where the last one ended. */
  ahead = MOST_IN_REQUEST / 2;
  /** Bytes that came so far. */
  fetchedBytes = 0;

  private constructor(
    readonly url: string,
    readonly size: number,
    options: RangeOptions,
  ) {
    this.#options = { fetch: (...args) => fetch(...args), wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)), ...options };
  }

  /** Throws DownloadFailed for a file that is not there, or of which the server does not say how long it is. */
  static async open(url: string, options: RangeOptions = {}): Promise<RangeSource> {
    if (options.size !== undefined) return new RangeSource(url, options.size, options);
    const ask = options.fetch ?? fetch;
    let response: Response;
    try {
      response = await ask(url, { method: "HEAD", credentials: "omit" });
    } catch {
      throw new DownloadFailed(url, 0, "The server does not answer, or does not allow this page to read it (Access-Control-Allow-Origin).");
    }
    const size = Number(response.headers.get("Content-Length") ?? Number.NaN);
    if (!response.ok) throw new DownloadFailed(url, response.status, "Check the address.");
    if (!Number.isSafeInteger(size) || size <= 0)
      throw new DownloadFailed(
        url,
        response.status,
        "The server does not say how long it is (Content-Length): download it and open the file.",
      );
    return new RangeSource(url, size, options);
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    if (this.#whole) return new Uint8Array(await this.#whole.slice(position, position + length).arrayBuffer());
    const result = new Uint8Array(length);
    if (length === 0) return result;
    const first = Math.floor(position / BLOCK_BYTES);
    const last = Math.floor((position + length - 1) / BLOCK_BYTES);
    // Reading on where the last one ended: the next ones will be wanted.
    this.#want(first, first === this.#lastRead || first === this.#lastRead + 1 ? last + this.ahead : last);
    this.#lastRead = last;
    for (let block = first; block <= last; block++) {
      const bytes = await (this.#blocks.get(block) ?? this.#want(block, block));
      const from = Math.max(0, position - block * BLOCK_BYTES);
      const part = bytes!.subarray(from, Math.min(bytes!.length, position + length - block * BLOCK_BYTES));
      result.set(part, Math.max(0, block * BLOCK_BYTES - position));
    }
    return result;
  }

  /** Asks for the blocks from `first` to `last` that are not here, a request for each row of them. Answers the first. */
  #want(first: number, last: number): Promise<Uint8Array> | undefined {
    const end = Math.min(last, Math.ceil(this.size / BLOCK_BYTES) - 1);
    for (let block = first; block <= end; ) {
      if (this.#blocks.has(block)) {
        const kept = this.#blocks.get(block)!;
        this.#blocks.delete(block);
        this.#blocks.set(block, kept);
        block++;
        continue;
      }
      let count = 1;
      while (count < MOST_IN_REQUEST && block + count <= end && !this.#blocks.has(block + count)) count++;
      this.#request(block, count);
      block += count;
    }
    return this.#blocks.get(first);
  }

  #request(first: number, count: number): void {
    const offset = first * BLOCK_BYTES;
    const length = Math.min(count * BLOCK_BYTES, this.size - offset);
    const answer = this.#fetch(offset, length);
    for (let n = 0; n < count; n++) {
      const block = answer.then((bytes) => bytes.slice(n * BLOCK_BYTES, (n + 1) * BLOCK_BYTES));
      block.catch(() => this.#blocks.delete(first + n));
      this.#blocks.set(first + n, block);
    }
    for (const block of this.#blocks.keys()) {
      if (this.#blocks.size <= MOST_BLOCKS) break;
      if (block < first || block >= first + count) this.#blocks.delete(block);
    }
  }

  /** Asks until it is there. Rejects with DownloadFailed when the server refuses. */
  async #fetch(offset: number, length: number): Promise<Uint8Array> {
    let isWaiting = false;
    const tell = (on: boolean, reason?: string): void => {
      if (on !== isWaiting) this.#waiting += on ? 1 : -1;
      if (on !== isWaiting && this.#waiting === (on ? 1 : 0)) this.#options.onWaiting?.(reason);
      isWaiting = on;
    };
    try {
      for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
        try {
          return await this.#once(offset, length);
        } catch (error) {
          this.#options.signal?.throwIfAborted();
          if (error instanceof Refused) throw new DownloadFailed(this.url, error.status, error.message);
          tell(true, `${new URL(this.url, "http://localhost/").host} does not answer`);
          await this.#options.wait(wait);
        }
      }
    } finally {
      tell(false);
    }
  }

  async #once(offset: number, length: number): Promise<Uint8Array> {
    if (this.#whole) return new Uint8Array(await this.#whole.slice(offset, offset + length).arrayBuffer());
    const signals = [AbortSignal.timeout(SILENCE_MS), ...(this.#options.signal ? [this.#options.signal] : [])];
    const response = await this.#options.fetch(this.url, {
      headers: { Range: `bytes=${offset}-${offset + length - 1}` },
      credentials: "omit",
      // A file that is replaced under the same name must not be mixed with the old one's cached parts.
      cache: "no-cache",
      signal: signals.length === 1 ? signals[0]! : AbortSignal.any(signals),
    });
    if (response.status === 200) {
      const whole = await response.blob();
      this.fetchedBytes += whole.size;
      if (whole.size !== this.size) throw new Refused(response.status, anotherFile(whole.size, this.size));
      this.#whole = whole;
      return new Uint8Array(await whole.slice(offset, offset + length).arrayBuffer());
    }
    if (response.status !== 206) {
      if (response.status >= 500 || response.status === 429 || response.status === 408) throw new Error("later");
      throw new Refused(response.status, "Check the address.");
    }
    const said = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get("Content-Range") ?? "");
    if (said && (Number(said[1]) !== offset || (said[2] !== "*" && Number(said[2]) !== this.size)))
      throw new Refused(response.status, anotherFile(said[2]!, this.size));
    const bytes = new Uint8Array(await response.arrayBuffer());
    this.fetchedBytes += bytes.length;
    if (bytes.length !== length) throw new Error("cut short");
    return bytes;
  }
}
