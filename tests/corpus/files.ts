/** Truncated and random files of every kind that the machine boots, from a seed: the same corpus every time. */
import { random } from "../tools/core";

/** A whole file that boots, and the option it is given with. */
export interface Original {
  readonly name: string;
  readonly role: "kernel" | "initrd" | "image";
  readonly bytes: Uint8Array;
}

export interface CorpusFile {
  readonly name: string;
  readonly role: Original["role"];
  readonly bytes: Uint8Array;
}

const RANDOM_SIZES = [1, 2, 511, 512, 513, 1024, 4096, 65536, 600_000] as const;
const ROLES = ["kernel", "initrd", "image"] as const;

/** Each original cut in `cuts` places, and `randoms` files of noise for each role. */
export function* corpus(originals: readonly Original[], cuts: number, randoms: number, seed = 1): Generator<CorpusFile> {
  const next = random(seed);
  for (const { name, role, bytes } of originals)
    for (const length of lengths(bytes, cuts, next))
      yield { name: `the first ${length} of ${bytes.length} bytes of ${name}`, role, bytes: bytes.slice(0, length) };
  for (const role of ROLES)
    for (let n = 0; n < randoms; n++) {
      const length = RANDOM_SIZES[n % RANDOM_SIZES.length]! + (n >= RANDOM_SIZES.length ? next() % 3000 : 0);
      yield { name: `${length} random bytes`, role, bytes: Uint8Array.from({ length }, () => next() >>> 24) };
    }
}

/**
 * Nothing, a header's part, a sector less than the whole, and anything between; but never only the zeros at the end, or
 * less than the paragraph of 16 bytes in which a kernel's size is told: what is left then is a whole file.
 */
function lengths(bytes: Uint8Array, count: number, next: () => number): number[] {
  const whole = bytes.length;
  const end = whole - bytes.findLastIndex((byte) => byte !== 0) - 1;
  const longest = whole - Math.max(end + 1, 16);
  const chosen = [0, longest, whole >>> 1, whole - 512, 513, 1, 512, 64, 1024, whole - 4096, 16, 4096];
  const possible = new Set(chosen.slice(0, count).filter((length) => length >= 0 && length <= longest));
  while (possible.size < Math.min(count, longest + 1)) possible.add(next() % (longest + 1));
  return [...possible];
}
