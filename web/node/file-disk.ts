/**
 * A raw image file as a disk: sectors in order, nothing else. FLUSH is fsync. Trimmed ranges are overwritten with zeros
 * where they are not zero already; Node cannot give their space back to the file system.
 */
import { type FileHandle, open } from "node:fs/promises";
import { DiskFailed, type DiskProblem } from "../lib/errors";
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
} from "../storage/block-device";

/** What the operating system says, as ours. */
const PROBLEMS: Readonly<Record<string, readonly [DiskProblem, string, string]>> = {
  ENOENT: ["missing", "there is no such file.", "vitrine disk create makes one."],
  EISDIR: ["missing", "it is a directory.", ""],
  EACCES: ["unreadable", "permission denied.", "Open it read-only (,ro), or change its permissions."],
  EPERM: ["unreadable", "permission denied.", "Open it read-only (,ro), or change its permissions."],
  EROFS: ["unwritable", "its file system is read-only.", "Open it read-only (,ro)."],
  ENOSPC: ["full", "the file system has no space left.", "Free some space."],
  EDQUOT: ["full", "your quota on the file system is used up.", "Free some space."],
};

export function diskFailure(path: string, error: unknown, otherwise: DiskProblem): DiskFailed {
  if (error instanceof DiskFailed) return error;
  const [problem, reason, hint] = PROBLEMS[(error as NodeJS.ErrnoException).code ?? ""] ?? [
    otherwise,
    `${error instanceof Error ? error.message : String(error)}.`,
    "",
  ];
  return new DiskFailed(path, problem, reason, hint);
}

export class FileDisk implements BlockDevice {
  readonly name: string;
  readonly #file: FileHandle;

  private constructor(
    path: string,
    file: FileHandle,
    readonly bytes: number,
    readonly readOnly: boolean,
  ) {
    this.name = path;
    this.#file = file;
  }

  /** Throws DiskFailed. */
  static async open(path: string, readOnly: boolean): Promise<FileDisk> {
    let file: FileHandle | undefined;
    try {
      file = await open(path, readOnly ? "r" : "r+");
      const stat = await file.stat();
      if (!stat.isFile()) throw new DiskFailed(path, "missing", "it is not a file.", "Give a raw disk image.");
      const { size } = stat;
      const problem =
        size === 0 ? "it is empty." : size % SECTOR_BYTES !== 0 ? `its ${size} bytes are no whole sectors of ${SECTOR_BYTES}.` : "";
      if (problem) throw new DiskFailed(path, "damaged", problem, "Give a raw disk image.");
      return new FileDisk(path, file, size, readOnly);
    } catch (error) {
      await file?.close();
      throw diskFailure(path, error, "unreadable");
    }
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    checkRange(this, offset, length);
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const { bytesRead } = await this.#file.read(bytes, at, length - at, offset + at).catch((error) => this.#fail(error, "unreadable"));
      if (bytesRead === 0) throw new DiskFailed(this.name, "damaged", `it ends at byte ${offset + at}: something else has cut it off.`, "");
      at += bytesRead;
    }
    return bytes;
  }

  write(offset: number, data: Uint8Array): Promise<void> {
    return this.#write(offset, data.slice());
  }

  async #write(offset: number, data: Uint8Array): Promise<void> {
    checkRange(this, offset, data.length);
    checkWritable(this);
    for (let at = 0; at < data.length; ) {
      const { bytesWritten } = await this.#file
        .write(data, at, data.length - at, offset + at)
        .catch((error) => this.#fail(error, "unwritable"));
      at += bytesWritten;
    }
  }

  async trim(offset: number, length: number): Promise<void> {
    checkRange(this, offset, length);
    checkWritable(this);
    for (const { index, start, length: part } of chunkSpans(offset, length)) {
      const place = index * CHUNK_BYTES + start;
      if (!isZero(await this.read(place, part))) await this.#write(place, new Uint8Array(part));
    }
  }

  async flush(): Promise<void> {
    if (!this.readOnly) await this.#file.datasync().catch((error) => this.#fail(error, "unwritable"));
  }

  async *dataChunks(): AsyncGenerator<number> {
    for (let index = 0; index * CHUNK_BYTES < this.bytes; index++) {
      if (!isZero(await this.read(index * CHUNK_BYTES, chunkLength(this.bytes, index)))) yield index;
    }
  }

  async replace(chunks: AsyncIterable<DiskChunk> | Iterable<DiskChunk>): Promise<void> {
    checkWritable(this);
    let previous = -1;
    const clear = (first: number, end: number): Promise<void> =>
      this.trim(first * CHUNK_BYTES, Math.min(end * CHUNK_BYTES, this.bytes) - first * CHUNK_BYTES);
    for await (const chunk of chunks) {
      checkChunk(this, chunk, previous);
      await clear(previous + 1, chunk.index);
      await this.write(chunk.index * CHUNK_BYTES, chunk.bytes);
      previous = chunk.index;
    }
    const chunkCount = Math.ceil(this.bytes / CHUNK_BYTES);
    if (previous + 1 < chunkCount) await clear(previous + 1, chunkCount);
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#file.close().catch((error) => this.#fail(error, "unwritable"));
  }

  #fail(error: unknown, otherwise: DiskProblem): never {
    throw diskFailure(this.name, error, otherwise);
  }
}
