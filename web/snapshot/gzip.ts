/**
 * Gzip (RFC 1952) by the host's own streams, which current browsers and Node have alike. The same bytes give the same
 * result on one host; other hosts may compress differently, and one without CompressionStream stores the bytes as they
 * are. Decompression is bounded: what grows beyond its announced length is refused while it grows.
 */
import { checkGzipMember, crc32 } from "../lib/inflate";

/** What a caller has to say about compressed bytes that are wrong. */
export type Refuse = (reason: string) => never;

/** One transform stream from one buffer; `onPiece` sees every piece of the output and may throw to end it. */
async function pump(
  stream: CompressionStream | DecompressionStream,
  input: Uint8Array,
  onPiece: (piece: Uint8Array) => void,
): Promise<void> {
  const writer = stream.writable.getWriter();
  // A failure shows on the reading side; here it must only not go unhandled.
  const written = writer
    .write(input as Uint8Array<ArrayBuffer>)
    .then(() => writer.close())
    .catch(() => {});
  const reader = stream.readable.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      onPiece(value);
    }
    await written;
  } catch (error) {
    reader.cancel(error).catch(() => {});
    throw error;
  }
}

export async function gzip(input: Uint8Array): Promise<Uint8Array> {
  if (!("CompressionStream" in globalThis)) return storedGzip(input);
  const pieces: Uint8Array[] = [];
  let length = 0;
  await pump(new CompressionStream("gzip"), input, (piece) => {
    pieces.push(piece);
    length += piece.length;
  });
  const result = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    result.set(piece, at);
    at += piece.length;
  }
  return result;
}

/** Longest stored block of RFC 1951, 3.2.4. */
const MOST_STORED = 0xffff;
const GZIP_HEADER = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/** A gzip member that holds the bytes uncompressed. */
export function storedGzip(input: Uint8Array): Uint8Array {
  const blocks = Math.max(1, Math.ceil(input.length / MOST_STORED));
  const result = new Uint8Array(GZIP_HEADER.length + blocks * 5 + input.length + 8);
  const view = new DataView(result.buffer);
  result.set(GZIP_HEADER);
  let at = GZIP_HEADER.length;
  for (let block = 0; block < blocks; block++) {
    const bytes = input.subarray(block * MOST_STORED, (block + 1) * MOST_STORED);
    result[at] = block === blocks - 1 ? 1 : 0;
    view.setUint16(at + 1, bytes.length, true);
    view.setUint16(at + 3, bytes.length ^ 0xffff, true);
    result.set(bytes, at + 5);
    at += 5 + bytes.length;
  }
  view.setUint32(at, crc32(input), true);
  view.setUint32(at + 4, input.length >>> 0, true);
  return result;
}

const startsAsGzip = (input: Uint8Array): boolean => input[0] === 0x1f && input[1] === 0x8b && input[2] === 8;

class TooLong extends Error {}

/** The contents, which must be exactly `length` bytes: no more are ever held. Calls `refuse` for anything else. */
export async function gunzip(input: Uint8Array, length: number, refuse: Refuse): Promise<Uint8Array> {
  const result = new Uint8Array(length);
  let at = 0;
  const take = (piece: Uint8Array): void => {
    if (at + piece.length > length) throw new TooLong();
    result.set(piece, at);
    at += piece.length;
  };
  try {
    if ("DecompressionStream" in globalThis) await pump(new DecompressionStream("gzip"), input, take);
    else if (!startsAsGzip(input) || checkGzipMember(input, 0, take) !== input.length) throw new Error("something follows its end");
  } catch (error) {
    if (error instanceof TooLong) refuse(`it is longer than the ${length} bytes announced.`);
    refuse("its compressed data is damaged.");
  }
  if (at !== length) refuse(`it is ${at} bytes long instead of the ${length} announced.`);
  return result;
}
