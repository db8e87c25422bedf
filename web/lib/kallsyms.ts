/**
 * The symbol table that a Linux kernel carries for its own messages (scripts/kallsyms.c of Linux: names compressed by a
 * table of 256 tokens), found in an unpacked kernel image by its shape: nothing says where it lies. Kernels 4.6 and later
 * with offsets to a base, 32 and 64 bits, little-endian.
 */

export interface KernelSymbol {
  /** Of 32 or 64 bits, without sign. */
  readonly address: bigint;
  /** As nm has it: T and t for code, D, d, B, b, R, r for data, A absolute, … */
  readonly type: string;
  readonly name: string;
}

const TOKENS = 256;
const BLOCK = 256;
const DIGIT_0 = 0x30;
/** Fewer symbols than this has no kernel. */
const LEAST_BLOCKS = 8;
/** A block of 256 names takes at least and at most so many bytes. */
const BLOCK_BYTES = { least: 512, most: 0x10000 };
/** Between the end of one table and the beginning of the next there is at most so much padding. */
const MOST_PADDING = 256;

class Image {
  readonly view: DataView;
  constructor(readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  u16(at: number): number {
    return at >= 0 && at + 2 <= this.bytes.length ? this.view.getUint16(at, true) : -1;
  }
  u32(at: number): number {
    return at >= 0 && at + 4 <= this.bytes.length ? this.view.getUint32(at, true) : -1;
  }
  i32(at: number): number {
    return this.view.getInt32(at, true);
  }
}

/** The symbols of an unpacked kernel (ELF vmlinux or raw), in the order of the table. Undefined: there is no such table. */
export function decodeKallsyms(bytes: Uint8Array, is64Bit: boolean): KernelSymbol[] | undefined {
  const image = new Image(bytes);
  for (const tokens of tokenTables(image)) {
    const names = findNames(image, tokens.start, is64Bit);
    const addresses = names && findAddresses(image, names, tokens.end, is64Bit);
    if (!addresses) continue;
    return readNames(image, names, tokens.texts).map((text, n) => ({ address: addresses[n]!, type: text[0]!, name: text.slice(1) }));
  }
  return undefined;
}

interface Tokens {
  readonly start: number;
  /** After the index that follows the table. */
  readonly end: number;
  readonly texts: readonly string[];
}

/** Digits stand for themselves in every kernel: that is what the table is found by. Its index then proves it. */
function* tokenTables(image: Image): Generator<Tokens> {
  const { bytes } = image;
  for (let digits = bytes.indexOf(DIGIT_0); digits >= 0; digits = bytes.indexOf(DIGIT_0, digits + 1)) {
    let same = true;
    for (let n = 0; n < 10 && same; n++) same = bytes[digits + 2 * n] === DIGIT_0 + n && bytes[digits + 2 * n + 1] === 0;
    if (!same) continue;
    const places: number[] = [];
    let at = digits;
    for (let token = DIGIT_0; token < TOKENS && at < bytes.length; token++) {
      places[token] = at;
      at = bytes.indexOf(0, at) + 1;
    }
    for (let index = at; index <= at + MOST_PADDING; index++) {
      const first = image.u16(index + 2 * DIGIT_0);
      const fits = places.every((place, token) => token < DIGIT_0 || image.u16(index + 2 * token) - first === place - digits);
      if (!fits || first < 0 || image.u16(index) !== 0) continue;
      const start = digits - first;
      const texts = Array.from({ length: TOKENS }, (_, token) => latin(bytes, start + image.u16(index + 2 * token)));
      yield { start, end: index + 2 * TOKENS, texts };
    }
  }
}

function latin(bytes: Uint8Array, from: number): string {
  return String.fromCharCode(...bytes.subarray(from, bytes.indexOf(0, from)));
}

interface Names {
  /** Where the number of symbols stands. */
  readonly countAt: number;
  readonly count: number;
  readonly start: number;
}

/** The markers (where each block of 256 names begins) lie between the names and the tokens. */
function findNames(image: Image, tokens: number, is64Bit: boolean): Names | undefined {
  const lowest = Math.max(0, tokens - 0x400000);
  for (let at = (tokens & ~3) - 4; at >= lowest; at -= 4) {
    if (image.u32(at) !== 0) continue;
    let blocks = 1;
    for (; at + 4 * blocks < tokens; blocks++) {
      const step = image.u32(at + 4 * blocks) - image.u32(at + 4 * (blocks - 1));
      if (step < BLOCK_BYTES.least || step > BLOCK_BYTES.most) break;
    }
    const names = blocks >= LEAST_BLOCKS ? namesBefore(image, at, blocks, is64Bit) : undefined;
    if (names) return names;
  }
  return undefined;
}

function namesBefore(image: Image, markers: number, blocks: number, is64Bit: boolean): Names | undefined {
  const word = is64Bit ? 8 : 4;
  const last = image.u32(markers + 4 * (blocks - 1));
  for (let countAt = (markers - last) & ~(word - 1), tried = 0; tried < BLOCK_BYTES.most && countAt >= 0; countAt -= word, tried += word) {
    const count = image.u32(countAt);
    if (count <= (blocks - 1) * BLOCK || count > blocks * BLOCK) continue;
    const start = countAt + word;
    let at = start;
    let block = 0;
    for (let n = 0; n < count && at < markers; n++) {
      if (n % BLOCK === 0 && at - start !== image.u32(markers + 4 * block++)) break;
      at = afterName(image, at);
    }
    if (block === blocks && at <= markers && markers - at < MOST_PADDING) return { countAt, count, start };
  }
  return undefined;
}

/** A length of 1 byte, or of 2 with 7 bits each (since 6.1), then so many tokens. */
function nameSpan({ bytes }: Image, at: number): { readonly from: number; readonly length: number } {
  const first = bytes[at]!;
  return first < 0x80 ? { from: at + 1, length: first } : { from: at + 2, length: (first & 0x7f) | (bytes[at + 1]! << 7) };
}

function afterName(image: Image, at: number): number {
  const { from, length } = nameSpan(image, at);
  return from + length;
}

function readNames(image: Image, { start, count }: Names, tokens: readonly string[]): string[] {
  const result: string[] = [];
  for (let n = 0, at = start; n < count; n++) {
    const { from, length } = nameSpan(image, at);
    let text = "";
    for (let i = 0; i < length; i++) text += tokens[image.bytes[from + i]!]!;
    result.push(text);
    at = from + length;
  }
  return result;
}

/** Offsets and their base lie before the number of symbols, since 6.4 after the tokens. */
function findAddresses(image: Image, { countAt, count }: Names, afterTokens: number, is64Bit: boolean): bigint[] | undefined {
  const word = is64Bit ? 8 : 4;
  const base = (at: number): bigint => (is64Bit ? image.view.getBigUint64(at, true) : BigInt(image.u32(at)));
  const round = (value: number): number => Math.ceil(value / word) * word;
  const candidates: { offsets: number; base: number }[] = [];
  for (let gap = 0; gap <= MOST_PADDING; gap += word) {
    const before = countAt - word - gap;
    candidates.push({ offsets: before - round(4 * count), base: before });
    const after = round(afterTokens) + gap;
    candidates.push({ offsets: after, base: after + round(4 * count) });
  }
  for (const { offsets, base: at } of candidates) {
    if (offsets < 0 || at + word > image.bytes.length) continue;
    const addresses = addressesAt(image, offsets, count, base(at), is64Bit);
    if (addresses) return addresses;
  }
  return undefined;
}

/** Undefined: these are no addresses of symbols in ascending order in a kernel's half. */
function addressesAt(image: Image, offsets: number, count: number, base: bigint, is64Bit: boolean): bigint[] | undefined {
  if (base < (is64Bit ? 0xffff_8000_0000_0000n : 0x4000_0000n)) return undefined;
  const all: bigint[] = [];
  const mask = is64Bit ? 64 : 32;
  // With per-CPU symbols, those are absolute and positive, and the others lie -1 - offset above the base.
  let negative = 0;
  for (let n = 0; n < count; n++) if (image.i32(offsets + 4 * n) < 0) negative++;
  const isSigned = negative > count / 2;
  let falls = 0;
  for (let n = 0; n < count; n++) {
    const offset = image.i32(offsets + 4 * n);
    const address = !isSigned ? base + BigInt(offset >>> 0) : offset >= 0 ? BigInt(offset) : base - 1n - BigInt(offset);
    all.push(BigInt.asUintN(mask, address));
    if (n > 0 && all[n]! < all[n - 1]!) falls++;
  }
  return falls <= 1 ? all : undefined;
}
