/**
 * A disk as the machine sees it: so many bytes that are read, written and made durable, whatever keeps them (memory,
 * a file, the browser's database; an overlay over another). All access is asynchronous. Disk controllers (virtio-blk,
 * IDE) sit on one side of this interface, backends on the other, and snapshots use its chunks.
 */
import { DiskFailed } from "../lib/errors";
import { hex } from "../lib/hex";

export const SECTOR_BYTES = 512;
/** What backends keep, share and snapshot disks by. */
export const CHUNK_BYTES = 0x10000;

/** A chunk's contents: CHUNK_BYTES, fewer only at the end of a disk. */
export interface DiskChunk {
  /** Its offset on the disk / CHUNK_BYTES. */
  readonly index: number;
  readonly bytes: Uint8Array;
}

/**
 * Every method rejects with DiskFailed, and nothing else. Offsets and lengths are in bytes, of any alignment; what lies
 * outside the disk is refused as a whole. Operations may overlap in time; where two under way at once touch the same
 * bytes and one writes, their order is open: a controller holds the later one back.
 */
export interface BlockDevice {
  /** As the user knows it: a file's name or a title. */
  readonly name: string;
  /** A multiple of SECTOR_BYTES. */
  readonly bytes: number;
  readonly readOnly: boolean;
  /** The bytes are the caller's. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** The data may change as soon as the call has returned. Visible to reads that begin after the promise has resolved. */
  write(offset: number, data: Uint8Array): Promise<void>;
  /** The range reads as zeros afterwards; its space is given back where whole chunks are free. */
  trim(offset: number, length: number): Promise<void>;
  /** Resolves when every write and trim that had resolved before the call would survive a power cut. */
  flush(): Promise<void>;
  /** Indices of the chunks that may hold something else than zeros, ascending. */
  dataChunks(): AsyncIterable<number>;
  /** Makes these, given with ascending indices, the disk's whole contents; every other chunk becomes zero. Not to be mixed with other operations. If it rejects, the contents are those before or undefined. */
  replace(chunks: AsyncIterable<DiskChunk> | Iterable<DiskChunk>): Promise<void>;
  /** Flushes, and gives up files and locks. The disk is not to be used afterwards. */
  close(): Promise<void>;
}

/** Length of chunk `index` of a disk of so many bytes: the last one may be short. */
export const chunkLength = (diskBytes: number, index: number): number => Math.min(CHUNK_BYTES, diskBytes - index * CHUNK_BYTES);

/** One chunk of a range: which, and where in it. */
export interface ChunkSpan {
  readonly index: number;
  /** First byte within the chunk. */
  readonly start: number;
  readonly length: number;
  /** The same byte's place within the range. */
  readonly at: number;
}

/** A range of the disk as parts of chunks, ascending. */
export function* chunkSpans(offset: number, length: number): Generator<ChunkSpan> {
  for (let at = 0; at < length; ) {
    const index = Math.floor((offset + at) / CHUNK_BYTES);
    const start = offset + at - index * CHUNK_BYTES;
    const part = Math.min(CHUNK_BYTES - start, length - at);
    yield { index, start, length: part, at };
    at += part;
  }
}

/** Throws DiskFailed unless the range lies on the disk. */
export function checkRange(disk: Pick<BlockDevice, "name" | "bytes">, offset: number, length: number): void {
  const isRange = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (isRange && offset + length <= disk.bytes) return;
  const last = isRange && length > 0 ? hex(offset + length - 1) : String(offset + length - 1);
  throw new DiskFailed(
    disk.name,
    "out-of-range",
    `bytes ${isRange ? hex(offset) : offset} to ${last} do not lie on it (it has ${disk.bytes}).`,
    "",
  );
}

/** Throws DiskFailed if the disk is read-only. */
export function checkWritable(disk: Pick<BlockDevice, "name" | "readOnly">): void {
  if (disk.readOnly) throw new DiskFailed(disk.name, "read-only", "it is read-only.", "Attach it for writing, or write to another disk.");
}

/** Throws DiskFailed unless this chunk, given after chunk `previous` (-1 at first), may be part of `replace`. */
export function checkChunk(disk: Pick<BlockDevice, "name" | "bytes">, chunk: DiskChunk, previous: number): void {
  const exists = Number.isSafeInteger(chunk.index) && chunk.index >= 0 && chunk.index * CHUNK_BYTES < disk.bytes;
  if (exists && chunk.index > previous && chunk.bytes.length === chunkLength(disk.bytes, chunk.index)) return;
  const what = !exists ? "does not exist" : chunk.index <= previous ? "comes out of order" : `has ${chunk.bytes.length} bytes`;
  throw new DiskFailed(disk.name, "damaged", `chunk ${chunk.index} of its new contents ${what}.`, "The contents it had are lost.");
}

/** Are all bytes zero? */
export function isZero(bytes: Uint8Array): boolean {
  const words = bytes.byteOffset % 4 === 0 ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2) : undefined;
  if (words?.some((word) => word !== 0)) return false;
  for (let i = words ? words.length * 4 : 0; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}
