/** Is what was built older than what it is built from? */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { BUILD_RECORD, DIST, ROOT } from "./paths.mjs";

const SOURCES = [
  "asm",
  "web",
  "bios",
  "index.html",
  "LICENSE",
  "THIRD-PARTY.md",
  "vite.config.ts",
  "package-lock.json",
  "package.json",
  "scripts/build.mjs",
  "scripts/build-core.mjs",
  "scripts/lib/build-steps.mjs",
];
export const CORE = join(DIST, "core/core.wasm");

/** Latest change below a file or folder, in ms since 1970. Generated files are left out: they follow their sources. */
function newest(path) {
  const info = statSync(path, { throwIfNoEntry: false });
  if (!info) return 0;
  if (!info.isDirectory()) return path.endsWith(".generated.ts") ? 0 : info.mtimeMs;
  return readdirSync(path).reduce((latest, name) => Math.max(latest, newest(join(path, name))), info.mtimeMs);
}

/** @param {string[]} sources relative to the checkout */
export const newestOf = (sources) => sources.reduce((latest, path) => Math.max(latest, newest(join(ROOT, path))), 0);

export const hashOf = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");

export function readRecord() {
  try {
    return JSON.parse(readFileSync(BUILD_RECORD, "utf8"));
  } catch {
    return undefined;
  }
}

/** Does the core have to be compiled: missing, older than its sources, or last compiled for development? */
export function isCoreStale(record = readRecord()) {
  if (!existsSync(CORE) || !existsSync(join(ROOT, "web/lib/events.generated.ts"))) return true;
  return statSync(CORE).mtimeMs < newestOf(["asm", "scripts/build-core.mjs"]) || record?.core !== hashOf(CORE);
}

export function isBuildStale() {
  const record = readRecord();
  if (!record?.files.every((file) => existsSync(join(DIST, file)))) return true;
  return statSync(BUILD_RECORD).mtimeMs < newestOf(SOURCES) || isCoreStale(record);
}
