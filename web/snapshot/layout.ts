/**
 * The outer form of a snapshot file (docs/snapshot-format.md): magic, version, manifest, sections at multiples of
 * 64 bytes, trailer. Everything follows from the manifest's section list, so that a file has exactly one form and every
 * byte of it is checked.
 *
 *   ┌────────────────────────────────────────────────────────────┐ 0
 *   │ magic 8 B │ u32 version │ u32 manifest length │ manifest … │
 *   ├────────────────────────────────────────────────────────────┤ multiple of 64
 *   │ section, then zeros up to the next multiple of 64          │
 *   ├────────────────────────────────────────────────────────────┤
 *   │ …                                                          │
 *   ├────────────────────────────────────────────────────────────┤
 *   │ end magic 8 B │ u64 file length │ SHA-256 of the first part│ 48 bytes
 *   └────────────────────────────────────────────────────────────┘
 */
import { Sha256, toHex } from "../lib/sha256";

export const FORMAT_VERSION = 1;
export const ALIGNMENT = 64;
/** Magic, version, manifest length. */
export const HEAD_BYTES = 16;
export const TRAILER_BYTES = 48;
/** With the head. Components, licences and terminal lines are short; this is ample. */
export const MOST_MANIFEST_BYTES = 0x100000;

/** Not text, and damaged by whatever changes line ends: 89 "VTRSN" 0D 0A; at the end 1A "VTREND" 0A. */
export const MAGIC = Uint8Array.of(0x89, 0x56, 0x54, 0x52, 0x53, 0x4e, 0x0d, 0x0a);
export const END_MAGIC = Uint8Array.of(0x1a, 0x56, 0x54, 0x52, 0x45, 0x4e, 0x44, 0x0a);

export const alignUp = (position: number): number => Math.ceil(position / ALIGNMENT) * ALIGNMENT;

export const startsWith = (bytes: Uint8Array, prefix: Uint8Array): boolean =>
  bytes.length >= prefix.length && prefix.every((byte, i) => bytes[i] === byte);

/** Head and manifest; the manifest's bytes already fill their last block. */
export function frontPart(manifest: Uint8Array): Uint8Array {
  const front = new Uint8Array(HEAD_BYTES + manifest.length);
  front.set(MAGIC);
  const view = new DataView(front.buffer);
  view.setUint32(8, FORMAT_VERSION, true);
  view.setUint32(12, manifest.length, true);
  front.set(manifest, HEAD_BYTES);
  return front;
}

export interface Head {
  readonly version: number;
  readonly manifestLength: number;
}

/** `bytes` begins with the magic. */
export function readHead(bytes: Uint8Array): Head {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEAD_BYTES);
  return { version: view.getUint32(8, true), manifestLength: view.getUint32(12, true) };
}

/** The 48 bytes that end a file of `fileLength` bytes which begins with `front`. */
export function trailer(front: Uint8Array, fileLength: number): Uint8Array {
  const result = new Uint8Array(TRAILER_BYTES);
  result.set(END_MAGIC);
  new DataView(result.buffer).setBigUint64(8, BigInt(fileLength), true);
  result.set(new Sha256().update(front).digest(), 16);
  return result;
}

export interface Trailer {
  readonly fileLength: number;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
}

/** Undefined: these are not the last bytes of a snapshot. */
export function readTrailer(bytes: Uint8Array): Trailer | undefined {
  if (!startsWith(bytes, END_MAGIC)) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset, TRAILER_BYTES).getBigUint64(8, true);
  return { fileLength: Number(length), sha256: toHex(bytes.subarray(16)) };
}
