/**
 * The literal pages of an image as the file holds them: in runs of 1 MB (or 32 KB, where the file is to be had piece by piece), each a gzip member of its own, so that
 * any page can be had by unpacking one run. The section ram-pages is the runs one after another; the section ram-runs
 * says of each how long it is and what its SHA-256 is:
 *
 *   u32 length in bytes (little-endian) | SHA-256, 32 bytes      36 bytes for each run
 */
import { SnapshotIncompatible } from "../lib/errors";
import { Sha256, toHex } from "../lib/sha256";
import type { RunCodec } from "./manifest";

const RUN_BYTES: Readonly<Record<RunCodec, number>> = { "gzip-runs": 0x100000, "gzip-runs-32k": 0x8000 };
/** Whole pages, one at least: a disk's are 64 KB. */
export const runBytesOf = (codec: RunCodec, pageBytes: number): number => Math.max(RUN_BYTES[codec], pageBytes);
export const RUN_ENTRY_BYTES = 36;
/** Gzip makes what it cannot compress longer by a few bytes in 16 KB. */
const SLACK_BYTES = 0x4000;

export const runCount = (literals: number, pageBytes: number, runBytes: number): number => Math.ceil((literals * pageBytes) / runBytes);

export interface Run {
  /** From the beginning of the section *-pages. */
  readonly offset: number;
  /** Bytes in the file. */
  readonly length: number;
  /** Of these bytes, 32 bytes. */
  readonly sha256: Uint8Array;
  /** Bytes of its pages. */
  readonly rawLength: number;
}

/** The section *-runs as it grows. */
export class RunList {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** Bytes of all runs so far. */
  length = 0;

  constructor(runs: number) {
    this.#bytes = new Uint8Array(runs * RUN_ENTRY_BYTES);
  }

  add(length: number, sha256: Uint8Array): void {
    new DataView(this.#bytes.buffer).setUint32(this.#at, length, true);
    this.#bytes.set(sha256, this.#at + 4);
    this.#at += RUN_ENTRY_BYTES;
    this.length += length;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }
}

/** SHA-256 of the runs' SHA-256 values: the one that the manifest names for *-pages. 64 hexadecimal digits. */
export function hashOfRuns(runs: Uint8Array): string {
  const hash = new Sha256();
  for (let at = 0; at < runs.length; at += RUN_ENTRY_BYTES) hash.update(runs.subarray(at + 4, at + RUN_ENTRY_BYTES));
  return toHex(hash.digest());
}

/** `bytes` has an entry for each run of pages that take `rawLength` bytes. Throws SnapshotIncompatible. */
export function decodeRuns(bytes: Uint8Array, rawLength: number, runBytes: number, section: string): Run[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const runs: Run[] = [];
  let offset = 0;
  for (let n = 0; n * runBytes < rawLength; n++) {
    const length = view.getUint32(n * RUN_ENTRY_BYTES, true);
    if (length > runBytes + SLACK_BYTES) throw new SnapshotIncompatible(section, `run ${n} is too long.`);
    const sha256 = bytes.slice(n * RUN_ENTRY_BYTES + 4, (n + 1) * RUN_ENTRY_BYTES);
    runs.push({ offset, length, sha256, rawLength: Math.min(runBytes, rawLength - n * runBytes) });
    offset += length;
  }
  return runs;
}
