/**
 * The machine's canonical state as one SHA-256, so that two runs can be compared: CPU, clock and device sections by
 * name, then RAM. A hash of hashes, because `crypto.subtle` takes only whole buffers:
 *
 *   SHA-256( for each section in the order of names: SHA-256(name) SHA-256(contents)
 *            for each MB of RAM: SHA-256(contents) )
 */
import { Sha256, sha256, toHex } from "../lib/sha256";

const FRAME_BYTES = 4096;
const PIECE_FRAMES = 256;

/** RAM as the hash and snapshots see it: undefined stands for a frame of zeros. */
export type FrameReader = (frame: number) => Uint8Array | undefined | Promise<Uint8Array | undefined>;

/** 64 hexadecimal digits. */
export async function hashState(sections: ReadonlyMap<string, Uint8Array>, ramBytes: number, readFrame: FrameReader): Promise<string> {
  const outer = new Sha256();
  const names = [...sections.keys()].sort();
  for (const name of names) outer.update(await sha256(new TextEncoder().encode(name))).update(await sha256(sections.get(name)!));

  let zeros: Uint8Array | undefined;
  const piece = new Uint8Array(PIECE_FRAMES * FRAME_BYTES);
  const frames = ramBytes / FRAME_BYTES;
  for (let first = 0; first < frames; first += PIECE_FRAMES) {
    const count = Math.min(PIECE_FRAMES, frames - first);
    let used = false;
    for (let i = 0; i < count; i++) {
      const answer = readFrame(first + i);
      const frame = answer instanceof Promise ? await answer : answer;
      if (frame) piece.set(frame, i * FRAME_BYTES);
      else piece.fill(0, i * FRAME_BYTES, (i + 1) * FRAME_BYTES);
      used ||= frame !== undefined;
    }
    if (used || count < PIECE_FRAMES) outer.update(await sha256(piece.subarray(0, count * FRAME_BYTES)));
    else {
      zeros ??= await sha256(piece);
      outer.update(zeros);
    }
  }
  return toHex(outer.digest());
}

/** Whether every byte is 0. */
export function isZero(bytes: Uint8Array): boolean {
  if (bytes.byteOffset % 4 === 0 && bytes.length % 4 === 0) {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
    return true;
  }
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}
