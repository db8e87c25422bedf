/**
 * A DEFLATE decoder (RFC 1951) for what the host's streams do not do: it finds where a gzip member (RFC 1952) ends and
 * proves that it is whole (an initrd may hold several members, with other archives between them; a truncated one would
 * only show as a kernel panic inside the guest), and it unpacks where a host has no DecompressionStream. It holds a
 * window of 32 KB; whoever wants the output takes it piece by piece.
 */

/** Why a member is not whole; the caller turns it into its own error. */
export class BadGzip extends Error {}

/** Takes a piece of the output, which is overwritten afterwards; may throw to end it. */
export type OnInflated = (piece: Uint8Array) => void;

const WINDOW = 32768;
const LENGTH_BASE = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385,
  24577,
];
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const END_OF_BLOCK = 256;
const MAX_BITS = 15;
const FAST_BITS = 10;

let crcTable: Uint32Array | undefined;
/** CRC-32 of RFC 1952 of these bytes. */
export function crc32(bytes: Uint8Array): number {
  const table = crc32Table();
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc >>> 0;
}

function crc32Table(): Uint32Array {
  crcTable ??= Uint32Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    return c;
  });
  return crcTable;
}

/** Canonical Huffman code: a direct table for short codes, counting per length for the rest (RFC 1951, 3.2.2). */
class Huffman {
  readonly #count = new Uint16Array(MAX_BITS + 1);
  readonly #symbols: Uint16Array;
  /** (symbol << 4 | length) by the next FAST_BITS input bits; 0 = longer code. */
  readonly #fast = new Uint16Array(1 << FAST_BITS);

  constructor(lengths: Uint8Array) {
    for (const length of lengths) this.#count[length]!++;
    this.#count[0] = 0;
    let space = 1;
    const offsets = new Uint16Array(MAX_BITS + 2);
    for (let bits = 1; bits <= MAX_BITS; bits++) {
      space = space * 2 - this.#count[bits]!;
      if (space < 0) throw new BadGzip("has an over-full Huffman code");
      offsets[bits + 1] = offsets[bits]! + this.#count[bits]!;
    }
    this.#symbols = new Uint16Array(lengths.length);
    for (const [symbol, length] of lengths.entries()) if (length) this.#symbols[offsets[length]!++] = symbol;
    this.#fillFast();
  }

  #fillFast(): void {
    let code = 0;
    let index = 0;
    for (let bits = 1; bits <= FAST_BITS; bits++) {
      for (let i = 0; i < this.#count[bits]!; i++, code++, index++) {
        let reversed = 0;
        for (let bit = 0; bit < bits; bit++) reversed |= ((code >> bit) & 1) << (bits - 1 - bit);
        for (let at = reversed; at < 1 << FAST_BITS; at += 1 << bits) this.#fast[at] = (this.#symbols[index]! << 4) | bits;
      }
      code <<= 1;
    }
  }

  read(input: BitInput): number {
    const fast = this.#fast[input.peek(FAST_BITS)]!;
    if (fast !== 0) {
      input.drop(fast & 15);
      return fast >> 4;
    }
    let code = 0;
    let first = 0;
    let index = 0;
    for (let bits = 1; bits <= MAX_BITS; bits++) {
      code |= input.bits(1);
      const count = this.#count[bits]!;
      if (code - count < first) return this.#symbols[index + code - first]!;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new BadGzip("has a code that its Huffman table does not contain");
  }
}

class BitInput {
  #buffer = 0;
  #count = 0;

  constructor(
    readonly data: Uint8Array,
    public position: number,
  ) {}

  /** The next bits without taking them; zeros beyond the end. At most 16. */
  peek(count: number): number {
    while (this.#count < count) {
      this.#buffer |= (this.data[this.position++] ?? 0) << this.#count;
      this.#count += 8;
    }
    return this.#buffer & ((1 << count) - 1);
  }

  drop(count: number): void {
    this.#buffer >>>= count;
    this.#count -= count;
    if (this.position - (this.#count >> 3) > this.data.length) throw new BadGzip("is truncated");
  }

  bits(count: number): number {
    const value = this.peek(count);
    this.drop(count);
    return value;
  }

  /** Back to the next whole byte of the input. */
  align(): void {
    this.position -= this.#count >> 3;
    this.#buffer = 0;
    this.#count = 0;
  }
}

/** The output that is kept: one window for back references, and the running CRC-32 and size of everything. */
class Output {
  readonly #window = new Uint8Array(WINDOW);
  #crc = 0xffffffff;
  #position = 0;
  #flushed = 0;
  bytes = 0;

  constructor(private readonly onPiece: OnInflated | undefined) {}

  put(byte: number): void {
    this.#window[this.#position++] = byte;
    if (this.#position === WINDOW) this.#flush();
  }

  copy(distance: number, length: number): void {
    if (distance > this.bytes + this.#position - this.#flushed) throw new BadGzip("refers back beyond its start");
    for (let i = 0; i < length; i++) this.put(this.#window[(this.#position - distance) & (WINDOW - 1)]!);
  }

  #flush(): void {
    const table = crc32Table();
    let crc = this.#crc;
    for (let i = this.#flushed; i < this.#position; i++) crc = (crc >>> 8) ^ table[(crc ^ this.#window[i]!) & 0xff]!;
    this.#crc = crc;
    this.onPiece?.(this.#window.subarray(this.#flushed, this.#position));
    this.bytes += this.#position - this.#flushed;
    this.#position &= WINDOW - 1;
    this.#flushed = this.#position;
  }

  finish(): { crc: number; bytes: number } {
    this.#flush();
    return { crc: ~this.#crc >>> 0, bytes: this.bytes };
  }
}

let fixedCodes: [Huffman, Huffman] | undefined;
function fixed(): [Huffman, Huffman] {
  fixedCodes ??= [
    new Huffman(Uint8Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8))),
    new Huffman(new Uint8Array(30).fill(5)),
  ];
  return fixedCodes;
}

function dynamic(input: BitInput): [Huffman, Huffman] {
  const literals = input.bits(5) + 257;
  const distances = input.bits(5) + 1;
  const codeLengths = input.bits(4) + 4;
  const lengths = new Uint8Array(19);
  for (let i = 0; i < codeLengths; i++) lengths[CODE_LENGTH_ORDER[i]!] = input.bits(3);
  const code = new Huffman(lengths);
  const all = new Uint8Array(literals + distances);
  for (let i = 0; i < all.length; ) {
    const symbol = code.read(input);
    if (symbol < 16) {
      all[i++] = symbol;
      continue;
    }
    if (symbol === 16 && i === 0) throw new BadGzip("repeats a code length before the first");
    const value = symbol === 16 ? all[i - 1]! : 0;
    const repeat = symbol === 16 ? 3 + input.bits(2) : symbol === 17 ? 3 + input.bits(3) : 11 + input.bits(7);
    if (i + repeat > all.length) throw new BadGzip("has too many code lengths");
    all.fill(value, i, i + repeat);
    i += repeat;
  }
  return [new Huffman(all.subarray(0, literals)), new Huffman(all.subarray(literals))];
}

function stored(input: BitInput, output: Output): void {
  input.align();
  const { data, position } = input;
  const length = data[position]! | (data[position + 1]! << 8);
  const complement = data[position + 2]! | (data[position + 3]! << 8);
  if (position + 4 + length > data.length) throw new BadGzip("is truncated");
  if ((length ^ complement) !== 0xffff) throw new BadGzip("has a stored block with a wrong length");
  for (let i = 0; i < length; i++) output.put(data[position + 4 + i]!);
  input.position = position + 4 + length;
}

function compressed(input: BitInput, output: Output, [literal, distance]: [Huffman, Huffman]): void {
  for (;;) {
    const symbol = literal.read(input);
    if (symbol < END_OF_BLOCK) {
      output.put(symbol);
      continue;
    }
    if (symbol === END_OF_BLOCK) return;
    const index = symbol - 257;
    if (index >= LENGTH_BASE.length) throw new BadGzip("has an impossible length code");
    const length = LENGTH_BASE[index]! + input.bits(LENGTH_BITS[index]!);
    const far = distance.read(input);
    if (far >= DISTANCE_BASE.length) throw new BadGzip("has an impossible distance code");
    output.copy(DISTANCE_BASE[far]! + input.bits(far < 4 ? 0 : (far >> 1) - 1), length);
  }
}

/** The DEFLATE data at `start` until its last block. */
function inflate(data: Uint8Array, start: number, onPiece: OnInflated | undefined): { end: number; crc: number; bytes: number } {
  const input = new BitInput(data, start);
  const output = new Output(onPiece);
  for (let last = false; !last; ) {
    last = input.bits(1) === 1;
    const type = input.bits(2);
    if (type === 0) stored(input, output);
    else if (type === 1) compressed(input, output, fixed());
    else if (type === 2) compressed(input, output, dynamic(input));
    else throw new BadGzip("has a block of an unknown type");
  }
  input.align();
  return { end: input.position, ...output.finish() };
}

/** All of `data` is DEFLATE data without a frame; its contents, at most `most` bytes. Throws BadGzip. */
export function inflateRaw(data: Uint8Array, most: number): Uint8Array {
  const result: number[] = [];
  const { end } = inflate(data, 0, (piece) => {
    if (result.length + piece.length > most) throw new BadGzip("is too long");
    for (const byte of piece) result.push(byte);
  });
  if (end !== data.length) throw new BadGzip("has something behind its end");
  return Uint8Array.from(result);
}

/** `data` begins with DEFLATE data whose contents are `length` bytes; what follows it does not matter. Throws BadGzip. */
export function inflatePrefix(data: Uint8Array, length: number): Uint8Array {
  const result = new Uint8Array(length);
  let at = 0;
  inflate(data, 0, (piece) => {
    if (at + piece.length > length) throw new BadGzip("is too long");
    result.set(piece, at);
    at += piece.length;
  });
  if (at !== length) throw new BadGzip("is cut short");
  return result;
}

/** Checks the gzip member at `start`, giving its contents to `onPiece`, and returns the offset after it. Throws BadGzip. */
export function checkGzipMember(data: Uint8Array, start: number, onPiece?: OnInflated): number {
  const { end: at, crc, bytes } = inflate(data, skipHeader(data, start), onPiece);
  const end = at + 8;
  if (end > data.length) throw new BadGzip("is truncated");
  const trailer = new DataView(data.buffer, data.byteOffset + at, 8);
  if (trailer.getUint32(0, true) !== crc || trailer.getUint32(4, true) !== bytes >>> 0)
    throw new BadGzip("is damaged (its CRC-32 does not match)");
  return end;
}

/** RFC 1952, 2.3: fixed part, then optional extra field, name, comment and header CRC. */
function skipHeader(data: Uint8Array, start: number): number {
  const flags = data[start + 3] ?? 0;
  let at = start + 10;
  if (flags & 4) at += 2 + ((data[at] ?? 0) | ((data[at + 1] ?? 0) << 8));
  for (const text of [8, 16]) {
    if ((flags & text) === 0) continue;
    while (at < data.length && data[at] !== 0) at++;
    at++;
  }
  if (flags & 2) at += 2;
  if (at >= data.length) throw new BadGzip("is truncated");
  return at;
}
