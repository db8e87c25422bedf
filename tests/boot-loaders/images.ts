/**
 * Synthesized images for the boot-loader specs: the smallest files that are valid in each format, built field by
 * field from the formats' own documents, independently of the loaders.
 */

export const text = (s: string): number[] => [...s].map((c) => c.charCodeAt(0));

/** A byte buffer with little-endian setters, for building headers. */
export class Bytes {
  readonly data: Uint8Array;
  readonly view: DataView;
  constructor(length: number, fill = 0) {
    this.data = new Uint8Array(length).fill(fill);
    this.view = new DataView(this.data.buffer);
  }
  put(at: number, bytes: ArrayLike<number>): this {
    this.data.set(bytes, at);
    return this;
  }
  u8(at: number, value: number): this {
    this.view.setUint8(at, value);
    return this;
  }
  u16(at: number, value: number): this {
    this.view.setUint16(at, value, true);
    return this;
  }
  u32(at: number, value: number): this {
    this.view.setUint32(at, value, true);
    return this;
  }
}

/** A deterministic generator of 32-bit values (xorshift). */
export function random(seed: number): () => number {
  let x = seed | 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

export function sectorImage(): Uint8Array {
  return new Bytes(512).put(0, [0xfa, 0xf4]).u16(510, 0xaa55).data;
}

/** Protocol 2.15, relocatable, one setup sector beside the boot sector, 64 KB of code with a gzip payload in it. */
export function bzImage(codeBytes = 65536): Uint8Array {
  const setup = 2 * 512;
  const image = new Bytes(setup + codeBytes)
    .u8(0x1f1, 1)
    .u32(0x1f4, codeBytes / 16)
    .u16(0x1fa, 0xffff)
    .u16(0x1fe, 0xaa55)
    .put(0x200, [0xeb, 0x6a])
    .put(0x202, text("HdrS"))
    .u16(0x206, 0x20f)
    .u8(0x211, 1)
    .u32(0x214, 0x100000)
    .u32(0x22c, 0x7fffffff)
    .u32(0x230, 0x1000000)
    .u8(0x234, 1)
    .u16(0x236, 4)
    .u32(0x238, 2047)
    .u32(0x248, 0x100)
    .u32(0x24c, 0x4000)
    .u32(0x258, 0x1000000)
    .u32(0x260, 0x100000);
  return image.put(setup, [0xfa, 0xf4]).put(setup + 0x100, [0x1f, 0x8b, 8]).data;
}

export interface SegmentSpec {
  readonly physical: number;
  readonly linear: number;
  readonly contents: ArrayLike<number>;
  readonly memoryBytes: number;
}

/** ELF32 with program headers after the file header, contents, and (empty) section headers at the end. */
export function elf(entry: number, segments: readonly SegmentSpec[]): Uint8Array {
  const contentsAt = 52 + 32 * segments.length;
  const total = segments.reduce((sum, s) => sum + s.contents.length, contentsAt);
  const sections = 3;
  const image = new Bytes(total + 40 * sections)
    .put(0, [0x7f, ...text("ELF"), 1, 1, 1])
    .u16(16, 2)
    .u16(18, 3)
    .u32(20, 1)
    .u32(24, entry)
    .u32(28, 52)
    .u32(32, total)
    .u16(40, 52)
    .u16(42, 32)
    .u16(44, segments.length)
    .u16(46, 40)
    .u16(48, sections);
  let at = contentsAt;
  for (const [i, s] of segments.entries()) {
    const header = 52 + 32 * i;
    image
      .u32(header, 1)
      .u32(header + 4, at)
      .u32(header + 8, s.linear)
      .u32(header + 12, s.physical);
    image
      .u32(header + 16, s.contents.length)
      .u32(header + 20, s.memoryBytes)
      .u32(header + 24, 7)
      .u32(header + 28, 4096);
    image.put(at, s.contents);
    at += s.contents.length;
  }
  return image.data;
}

/** ELF64: one segment, and a note of `owner` if given, behind it. */
export function elf64(
  entry: bigint,
  segment: { physical: number; linear: bigint; contents: ArrayLike<number> },
  note?: number[],
): Uint8Array {
  const headers = note ? 2 : 1;
  const contentsAt = 64 + 56 * headers;
  const noteAt = contentsAt + segment.contents.length;
  const image = new Bytes(noteAt + (note?.length ?? 0))
    .put(0, [0x7f, ...text("ELF"), 2, 1, 1])
    .u16(16, 2)
    .u16(18, 62)
    .u32(20, 1)
    .u16(52, 64)
    .u16(54, 56)
    .u16(56, headers);
  image.view.setBigUint64(24, entry, true);
  image.u32(32, 64);
  const header = (at: number, type: number, offset: number, linear: bigint, physical: number, length: number): void => {
    image
      .u32(at, type)
      .u32(at + 8, offset)
      .u32(at + 24, physical)
      .u32(at + 32, length)
      .u32(at + 40, length);
    image.view.setBigUint64(at + 16, linear, true);
  };
  header(64, 1, contentsAt, segment.linear, segment.physical, segment.contents.length);
  image.put(contentsAt, segment.contents);
  if (note) {
    header(120, 4, noteAt, 0n, 0, note.length);
    image.put(noteAt, note);
  }
  return image.data;
}

export function vmlinux(): Uint8Array {
  return elf(0x1000000, [
    { physical: 0x1000000, linear: 0xc1000000, contents: new Array(4096).fill(0x90), memoryBytes: 4096 },
    { physical: 0x1002000, linear: 0xc1002000, contents: new Array(2048).fill(0x11), memoryBytes: 8192 },
  ]);
}

export const multibootHeader = (flags: number, ...addresses: number[]): number[] => {
  const words = [0x1badb002, flags, -(0x1badb002 + flags) >>> 0, ...addresses];
  return words.flatMap((w) => [w & 255, (w >>> 8) & 255, (w >>> 16) & 255, w >>> 24]);
};

export function multibootElf(): Uint8Array {
  const contents = [...multibootHeader(3), ...new Array(1000).fill(0xf4)];
  return elf(0xc010000c, [{ physical: 0x100000, linear: 0xc0100000, contents, memoryBytes: 0x3000 }]);
}

/** An a.out-kludge kernel: header 16 bytes into the file, load address 2 MB. */
export function multibootFlat(): Uint8Array {
  const load = 0x200000;
  const image = new Bytes(1024, 0xf4);
  return image.put(16, multibootHeader(0x10001, load + 16, load, load + 1024, load + 8192, load + 64)).data;
}

/** One cpio "newc" entry. */
function cpioEntry(name: string, contents: ArrayLike<number>): number[] {
  const field = (value: number): number[] => text(value.toString(16).toUpperCase().padStart(8, "0"));
  const pad = (bytes: number[]): number[] => [...bytes, ...new Array((4 - (bytes.length % 4)) % 4).fill(0)];
  const fields = [1, 0o100755, 0, 0, 1, 0, contents.length, 0, 0, 0, 0, name.length + 1, 0];
  return [...pad([...text("070701"), ...fields.flatMap(field), ...text(name), 0]), ...pad([...Array.from(contents)])];
}

export function cpio(
  files: Record<string, ArrayLike<number>> = { init: text("#!/bin/sh\n"), "bin/sh": new Array(3000).fill(7) },
): Uint8Array {
  const entries = Object.entries(files).flatMap(([name, contents]) => cpioEntry(name, contents));
  return Uint8Array.from([...entries, ...cpioEntry("TRAILER!!!", [])]);
}
