/** docs/acceptance.json: every figure that was ever measured, with the commit it was measured on. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../lib/paths.mjs";

const FILE = join(ROOT, "docs/acceptance.json");

const git = (...args) => spawnSync("git", args, { cwd: ROOT, encoding: "utf8" }).stdout?.trim() ?? "";

/** Short hash; with a plus sign if files that are under version control, this one aside, differ from it. */
function commit() {
  const hash = git("rev-parse", "--short", "HEAD");
  if (!hash) return "unknown";
  const changed = git("status", "--porcelain", "--untracked-files=no").split("\n");
  return changed.some((line) => line !== "" && !line.endsWith("docs/acceptance.json")) ? `${hash}+` : hash;
}

const read = () => (existsSync(FILE) ? JSON.parse(readFileSync(FILE, "utf8")) : []);

/** `loadBefore`: the computer's load average over the minute before: what a timing is worth. */
export function record(line, { figure, passed, seconds, loadBefore }) {
  const load = Math.round(loadBefore * 10) / 10;
  const all = [...read(), { line, commit: commit(), date: new Date().toISOString(), passed, figure, seconds, load }];
  // One entry a line: two branches that both append merge without a conflict inside an entry.
  writeFileSync(FILE, `[\n${all.map((entry) => JSON.stringify(entry)).join(",\n")}\n]\n`);
}

/** The last entry of each line. */
export const latest = () => new Map(read().map((entry) => [entry.line, entry]));
