/**
 * QEMU's own user-mode tests of i386 (its folder tests/tcg/i386): compiled for 32 bits, run natively on this machine's
 * processor, and run again, the same binaries, in the Debian guest. Their output must be the same, byte for byte.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LinuxGuest } from "../boot/prepared-guests";
import { GuestPrograms, sha256 } from "./guest-programs";

/** As the suite's Makefile.target has them. */
const FLAGS = ["-m32", "-static", "-no-pie", "-fno-pie", "-w", "-O2", "-fno-strict-aliasing"];
const EXTRA: Readonly<Record<string, readonly string[]>> = {
  "test-i386": ["test-i386-code16.S", "test-i386-vm86.S"],
  "test-i386-sse-exceptions": ["-msse4.1", "-mfpmath=sse"],
  "test-i386-pcmpistri": ["-msse4.2"],
  "hello-i386": ["-ffreestanding", "-nostdlib"],
};
/** Why a program of the suite is not run. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  "test-avx": "no model has AVX",
  "test-3dnow": "no model has 3DNow!",
  "test-i386-bmi2": "no model has BMI2",
  "test-i386-adcox": "no model has ADX",
  "test-i386-ssse3": "of 64-bit mode",
  "test-mmx": "of 64-bit mode",
  "test-aes": "its body is in another folder of the suite",
  "test-flags": "of 64-bit mode",
};
/** Outputs of tens of megabytes, and thousands of millions of instructions. */
const LONG: ReadonlySet<string> = new Set(["test-i386-fprem"]);
/** Lines in which the guest's machine, not its processor's arithmetic, is another one than the host's. */
const DIFFERENT: readonly { readonly line: RegExp; readonly reason: string }[] = [];

export const gccMissing = (() => {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-gcc-"));
  try {
    writeFileSync(join(folder, "x.c"), "#include <stdio.h>\nint main(void) { return 0; }\n");
    const built = spawnSync("gcc", ["-m32", "-static", "-o", join(folder, "x"), join(folder, "x.c")]).status === 0;
    if (!built) return "gcc -m32 -static does not work here (Debian package gcc-multilib)";
    return spawnSync(join(folder, "x")).status === 0 ? undefined : "this machine does not run i386 programs";
  } finally {
    rmSync(folder, { recursive: true });
  }
})();

export interface SuiteResult {
  /** Program → what is wrong, in one line. */
  readonly failed: ReadonlyMap<string, string>;
  readonly passed: readonly string[];
  /** Program → why it was not run. */
  readonly leftOut: ReadonlyMap<string, string>;
  readonly linesCompared: number;
  /** Reason → lines that differ by it. */
  readonly listed: ReadonlyMap<string, number>;
}

interface Built {
  readonly name: string;
  readonly binary: Uint8Array;
  readonly status: number;
  readonly output: Uint8Array | undefined;
  readonly sha256: string;
}

/** Compiles and runs natively; `long` includes the programs of minutes. */
function buildAndRun(suite: string, long: boolean, leftOut: Map<string, string>): Built[] {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-qemu-i386-"));
  try {
    const names = readdirSync(suite)
      .filter((file) => file.endsWith(".c"))
      .map((file) => file.slice(0, -2))
      .sort();
    const built: Built[] = [];
    for (const name of names) {
      const why = LEFT_OUT[name] ?? (LONG.has(name) && !long ? "long" : undefined);
      if (why !== undefined) {
        leftOut.set(name, why);
        continue;
      }
      const program = join(folder, name);
      const extra = (EXTRA[name] ?? []).map((word) => (word.endsWith(".S") ? join(suite, word) : word));
      const compiled = spawnSync("gcc", [...FLAGS, "-o", program, join(suite, `${name}.c`), ...extra, "-lm"], { encoding: "utf8" });
      if (compiled.status !== 0 || !existsSync(program)) throw new Error(`${name}: gcc failed:\n${compiled.stderr}`);
      const output = join(folder, `${name}.out`);
      const { status } = spawnSync("sh", ["-c", `"${program}" >"${output}" 2>&1`], { cwd: folder, timeout: 300_000 });
      const text = readFileSync(output);
      built.push({
        name,
        binary: new Uint8Array(readFileSync(program)),
        status: status ?? -1,
        output: LONG.has(name) ? undefined : new Uint8Array(text),
        sha256: createHash("sha256").update(text).digest("hex"),
      });
    }
    return built;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export async function runQemuSuite(suite: string, guest: LinuxGuest, options: { readonly long: boolean }): Promise<SuiteResult> {
  const leftOut = new Map<string, string>();
  const built = buildAndRun(suite, options.long, leftOut);
  const files = built.map(({ name, binary }) => ({ path: `suite/${name}`, data: binary }));
  const programs = await GuestPrograms.boot(guest, files, { cpu: "max" });
  // The long ones are for translated code, which takes minutes and not hours.
  const translated = built.some(({ output }) => output === undefined)
    ? await GuestPrograms.boot(guest, files, { cpu: "max", accel: "jit" })
    : programs;
  const failed = new Map<string, string>();
  const passed: string[] = [];
  const listed = new Map<string, number>();
  let linesCompared = 0;
  for (const { name, status, output, sha256: digest } of built) {
    let difference: string | undefined;
    if (output) {
      const run = await programs.run("/suite", `./${name}`);
      const compared = compareLines(Buffer.from(run.output).toString("latin1"), Buffer.from(output).toString("latin1"), listed);
      linesCompared += compared.lines;
      difference = run.status !== status ? `status ${run.status}, natively ${status}` : compared.difference;
      if (difference === undefined && sha256(run.output) !== digest && compared.lines === 0) difference = "another output";
    } else {
      const run = await translated.digest("/suite", `./${name}`);
      if (run.status !== status || run.sha256 !== digest) difference = `status ${run.status} and another output than natively`;
    }
    if (difference === undefined) passed.push(name);
    else failed.set(name, difference);
  }
  return { failed, passed, leftOut, linesCompared, listed };
}

/** Line by line; those of `DIFFERENT` are counted by their reason. */
export function compareLines(
  ours: string,
  native: string,
  listed: Map<string, number>,
): { readonly lines: number; readonly difference: string | undefined } {
  const [a, b] = [ours.split("\n"), native.split("\n")];
  let different = 0;
  let first: string | undefined;
  for (let n = 0; n < Math.max(a.length, b.length); n++) {
    if (a[n] === b[n]) continue;
    const rule = DIFFERENT.find(({ line }) => line.test(b[n] ?? "") && line.test(a[n] ?? ""));
    if (rule) {
      listed.set(rule.reason, (listed.get(rule.reason) ?? 0) + 1);
      continue;
    }
    different++;
    first ??= `line ${n + 1}: "${a[n] ?? "(end)"}", natively "${b[n] ?? "(end)"}"`;
  }
  return { lines: b.length, difference: first === undefined ? undefined : `${different} lines differ; ${first}` };
}
