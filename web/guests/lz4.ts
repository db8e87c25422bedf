/**
 * The LZ4 "legacy frame" in which Linux packs kernels: blocks of up to 8 MB, each after its packed size (LZ4 Frame
 * Format, "Legacy frame"; LZ4 Block Format).
 */
import { ImageUnreadable } from "../lib/errors";

export const LZ4_LEGACY_MAGIC: readonly number[] = [0x02, 0x21, 0x4c, 0x18];
const MIN_MATCH = 4;

const damaged = (): ImageUnreadable => new ImageUnreadable("kernel", "has a damaged lz4 payload.", "Fetch the kernel again.");

/** `frame` may have bytes after its last block; `unpackedBytes` is the size to end with. Throws ImageUnreadable. */
export function unpackLz4Legacy(frame: Uint8Array, unpackedBytes: number): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const out = new Uint8Array(unpackedBytes);
  let written = 0;
  for (let at = LZ4_LEGACY_MAGIC.length; written < unpackedBytes; ) {
    if (at + 4 > frame.length) throw damaged();
    const packedBytes = view.getUint32(at, true);
    at += 4;
    if (packedBytes === 0 || at + packedBytes > frame.length) throw damaged();
    written = unpackBlock(frame.subarray(at, at + packedBytes), out, written);
    at += packedBytes;
  }
  return out;
}

/** Returns the new end of the output. Matches may not reach before `start`: legacy blocks are independent. */
function unpackBlock(block: Uint8Array, out: Uint8Array, start: number): number {
  let at = 0;
  let end = start;
  const length = (nibble: number): number => {
    let total = nibble;
    if (nibble !== 15) return total;
    for (;;) {
      const more = block[at++];
      if (more === undefined) throw damaged();
      total += more;
      if (more !== 255) return total;
    }
  };
  while (at < block.length) {
    const token = block[at++]!;
    const literals = length(token >> 4);
    if (at + literals > block.length || end + literals > out.length) throw damaged();
    out.set(block.subarray(at, at + literals), end);
    at += literals;
    end += literals;
    // The last sequence is literals only.
    if (at === block.length) return end;
    const distance = block[at]! | ((block[at + 1] ?? 0) << 8);
    at += 2;
    const match = length(token & 15) + MIN_MATCH;
    if (at > block.length || distance === 0 || distance > end - start || end + match > out.length) throw damaged();
    // Byte by byte: a match may overlap what it writes.
    for (const last = end + match; end < last; end++) out[end] = out[end - distance]!;
  }
  return end;
}
