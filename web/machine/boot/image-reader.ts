/**
 * Little-endian fields of an image that nobody has checked yet. Every read is bounds-checked and ends in
 * ImageUnreadable, so that a loader cannot run past a truncated file.
 */
import { type ImageRole, unreadable } from "./image-role";

export class ImageReader {
  readonly #view: DataView;

  constructor(
    readonly data: Uint8Array,
    readonly role: ImageRole,
  ) {
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  get length(): number {
    return this.data.length;
  }

  u8(offset: number): number {
    this.#demand(offset, 1);
    return this.#view.getUint8(offset);
  }

  u16(offset: number): number {
    this.#demand(offset, 2);
    return this.#view.getUint16(offset, true);
  }

  u32(offset: number): number {
    this.#demand(offset, 4);
    return this.#view.getUint32(offset, true);
  }

  u64(offset: number): bigint {
    this.#demand(offset, 8);
    return this.#view.getBigUint64(offset, true);
  }

  /** A view, not a copy, of `length` bytes at `offset`. */
  bytes(offset: number, length: number): Uint8Array {
    this.#demand(offset, length);
    return this.data.subarray(offset, offset + length);
  }

  /** Whether the bytes at `offset` are these; false beyond the end. */
  matches(offset: number, signature: readonly number[]): boolean {
    return offset + signature.length <= this.length && signature.every((byte, i) => this.data[offset + i] === byte);
  }

  /** `reason` continues "It …", `hint` says what to do. */
  refuse(reason: string, hint: string): never {
    throw unreadable(this.role, reason, hint);
  }

  #demand(offset: number, length: number): void {
    if (offset + length > this.length)
      this.refuse(`ends after ${this.length} bytes, but bytes up to ${offset + length} are needed`, "it is truncated; fetch it again");
  }
}

/** ASCII text as bytes, for comparing signatures. */
export const ascii = (text: string): number[] => [...text].map((character) => character.charCodeAt(0));

/** A size for people: bytes below 1 KB, else KB or MB with one decimal where it matters. */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const [value, unit] = bytes < 1048576 ? [bytes / 1024, "KB"] : [bytes / 1048576, "MB"];
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${unit}`;
}
