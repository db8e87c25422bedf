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

export function record(line, { figure, passed }) {
  const all = existsSync(FILE) ? JSON.parse(readFileSync(FILE, "utf8")) : [];
  all.push({ line, commit: commit(), date: new Date().toISOString(), figure, passed });
  writeFileSync(FILE, `${JSON.stringify(all, undefined, 2)}\n`);
}
