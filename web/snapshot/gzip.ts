/**
 * Gzip (RFC 1952) by the host's own streams, which browsers and Node have alike. The same bytes give the same result
 * on one host; other hosts may compress differently. Decompression is bounded: what grows beyond its announced
 * length is refused while it grows.
 */

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

class TooLong extends Error {}

/** The contents, which must be exactly `length` bytes: no more are ever held. Calls `refuse` for anything else. */
export async function gunzip(input: Uint8Array, length: number, refuse: Refuse): Promise<Uint8Array> {
  const result = new Uint8Array(length);
  let at = 0;
  try {
    await pump(new DecompressionStream("gzip"), input, (piece) => {
      if (at + piece.length > length) throw new TooLong();
      result.set(piece, at);
      at += piece.length;
    });
  } catch (error) {
    if (error instanceof TooLong) refuse(`it is longer than the ${length} bytes announced.`);
    refuse("its compressed data is damaged.");
  }
  if (at !== length) refuse(`it is ${at} bytes long instead of the ${length} announced.`);
  return result;
}
