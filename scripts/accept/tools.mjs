/** What the acceptance lines share: a current build, prepared guests, and the measuring modules under tests/. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { runnerImport } from "vite";
import { ROOT } from "../lib/paths.mjs";

/** Throws if the build or the preparation of the guests fails; both are quick when there is nothing to do. */
export function prepare({ build }) {
  if (build) must("the build", "scripts/build.mjs", "--if-stale");
  must("preparing the guests", "bin/vitrine.mjs", "guests", "prepare");
}

function must(what, ...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error(`${what} failed`);
}

/** A TypeScript module of this checkout. */
export async function load(path) {
  return (await runnerImport(join(ROOT, path), { root: ROOT, configFile: false, logLevel: "error" })).module;
}

/** A prepared guest, read. */
export async function guest(id) {
  const { preparedGuest } = await load("tests/boot/prepared-guests.ts");
  return preparedGuest(id);
}

export const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** All conditions must hold; the names of those that do not are put before the figure. */
export function verdict(conditions, figure) {
  const failed = Object.entries(conditions)
    .filter(([, holds]) => !holds)
    .map(([name]) => name);
  return { passed: failed.length === 0, figure: failed.length === 0 ? figure : `not ${failed.join(", not ")}; ${figure}` };
}
