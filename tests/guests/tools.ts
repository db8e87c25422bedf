/** Programs that serve as oracles: looked for on the PATH; a test without its program skips, or fails under REQUIRE_TOOLS. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, type TestContext } from "vitest";

/** Skips the running test, saying why, unless all programs are there. */
export function needTools(context: TestContext, ...programs: string[]): void {
  const missing = programs.filter((program) => spawnSync(program, ["--version"], { stdio: "ignore" }).error);
  if (missing.length === 0) return;
  if (process.env.REQUIRE_TOOLS === "1") throw new Error(`needs ${missing.join(", ")}, and REQUIRE_TOOLS is set`);
  context.skip(`needs ${missing.join(", ")}`);
}

/** Standard output of a program; throws with its standard error if it fails. */
export function run(program: string, args: readonly string[], input?: Uint8Array, cwd?: string): Uint8Array {
  const result = spawnSync(program, args, { ...(input ? { input } : {}), ...(cwd ? { cwd } : {}), maxBuffer: 1 << 28 });
  if (result.status !== 0) throw new Error(`${program} ${args.join(" ")}: ${result.error?.message ?? result.stderr.toString()}`);
  return new Uint8Array(result.stdout);
}

const folders: string[] = [];

/** A new empty folder, removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-guests-"));
  folders.push(folder);
  return folder;
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (data: Uint8Array): string => new TextDecoder().decode(data);

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** The same bytes in chunks of the given size, as a network would deliver them. */
export function* chunked(data: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

/** A repeatable stream of numbers below `limit`. */
export function numbers(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
