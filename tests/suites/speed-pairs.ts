/**
 * The speed of 64-bit code beside that of 32-bit code: the same C program built for both, in the Debian guest of each, in one
 * process and in turn. What is compared is host time for the same work.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Accel } from "../../web/machine/core-host";
import type { LinuxGuest } from "../boot/prepared-guests";
import { GuestPrograms } from "./guest-programs";

const SOURCE = fileURLToPath(new URL("speed-pairs.c", import.meta.url));
export const KERNELS = ["sieve", "sort", "matrix", "hash", "tree", "calls", "text"] as const;

export interface SpeedPair {
  readonly name: string;
  /** Host CPU seconds, one for each round. */
  readonly seconds32: readonly number[];
  readonly seconds64: readonly number[];
}

/** Throws where gcc cannot build for one of them. */
function build(bits: 32 | 64): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-speed-"));
  try {
    const out = join(folder, "speed");
    const { status, stderr } = spawnSync("gcc", [`-m${bits}`, "-O2", "-static", "-o", out, SOURCE], { encoding: "utf8" });
    if (status !== 0) throw new Error(`gcc -m${bits}: ${stderr}`);
    return new Uint8Array(readFileSync(out));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** `i386` and `amd64`: the prepared guests. Throws if the two builds do not print the same. */
export async function speedPairs(i386: LinuxGuest, amd64: LinuxGuest, rounds: number, accel: Accel = "interp"): Promise<SpeedPair[]> {
  const file = (bits: 32 | 64) => [{ path: "bin/speed", data: build(bits) }];
  const narrow = await GuestPrograms.boot(i386, file(32), { accel });
  const wide = await GuestPrograms.boot(amd64, file(64), { accel });
  const timed = async (guest: GuestPrograms, name: string): Promise<{ seconds: number; text: string }> => {
    const before = process.cpuUsage();
    const text = await guest.command(`speed ${name}`);
    const { user, system } = process.cpuUsage(before);
    return { seconds: (user + system) / 1e6, text };
  };
  const pairs: SpeedPair[] = [];
  for (const name of KERNELS) {
    const seconds32: number[] = [];
    const seconds64: number[] = [];
    // The first of each is not counted: pages come in, and code is translated.
    for (let round = -1; round < rounds; round++) {
      const [a, b] = [await timed(narrow, name), await timed(wide, name)];
      if (a.text !== b.text || !/^[0-9a-f]{8}\n$/.test(a.text)) throw new Error(`${name} prints ${a.text} and ${b.text}`);
      if (round < 0) continue;
      seconds32.push(a.seconds);
      seconds64.push(b.seconds);
    }
    pairs.push({ name, seconds32, seconds64 });
  }
  return pairs;
}
