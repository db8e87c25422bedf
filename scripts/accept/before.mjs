/**
 * Debian's boot against an earlier commit: line 4.7, the last before the work on the exact CPU began; line 5.4, the last before
 * 64-bit code. Both are built here and run by turns; the earlier one is checked out beside the repository's own work tree, in a
 * temporary folder.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../lib/paths.mjs";
import { guest, load, median, verdict } from "./tools.mjs";

/** "CPU section of the state; acceptance commands …": the first commit that has these commands. */
const BEFORE = "2301ea0";
const ROUNDS = 11;
/** What two measurements of one build differ by, at the least. */
const NOISE = 1.03;

function must(folder, command, ...args) {
  const { status, stderr } = spawnSync(command, args, { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr.trim().split("\n").at(-1)}`);
}

/** CPU seconds of each boot to the prompt, `rounds` of both. Throws where the earlier commit cannot be built. */
export async function bootPairs(commit, rounds = ROUNDS) {
  const { PROMPT } = await load("tests/boot/prepared-guests.ts");
  const { files, commandLine } = await guest("debian");
  const unpacked = files.vmlinux === undefined ? [] : ["--vmlinux", files.vmlinux.file];
  const options = ["--kernel", files.kernel.file, ...unpacked, "--initrd", files.initrd.file, "--append", commandLine];
  const rest = ["--memory", String(files.memoryMb), "--prompt", PROMPT, "--timeout", "900", "--clock", "deterministic"];
  const folder = mkdtempSync(join(tmpdir(), "vitrine-before-"));
  const old = join(folder, "vitrine");
  const run = (root) => {
    const args = [join(ROOT, "scripts/accept/vitrine-boot.mjs"), "--library", join(root, "dist/lib/vitrine.js"), ...options, ...rest];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    const line = stdout.trim().split("\n").at(-1) ?? "";
    if (!line.startsWith("{") || line.includes('"error"')) throw new Error(line || stderr);
    console.error(`${root === old ? "before" : "now"} ${line}`);
    return JSON.parse(line).cpuSeconds;
  };
  try {
    must(ROOT, "git", "worktree", "add", "--detach", old, commit);
    symlinkSync(join(ROOT, "node_modules"), join(old, "node_modules"));
    must(old, process.execPath, "scripts/build.mjs");
    const before = [];
    const now = [];
    // Each first by turns: a computer that grows slower (or a host that is shared) favours neither.
    for (let round = 0; round < rounds; round++) {
      if (round % 2 === 0) before.push(run(old));
      now.push(run(ROOT));
      if (round % 2 === 1) before.push(run(old));
    }
    return { now, before };
  } finally {
    spawnSync("git", ["worktree", "remove", "--force", old], { cwd: ROOT });
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Now beside before: the median of the pairs' ratios, which what slows both runs of a pair leaves as it is. */
export function comparedBoots({ now, before }, commit) {
  const ratios = now.map((seconds, round) => seconds / before[round]).sort((x, y) => x - y);
  const ratio = median(ratios);
  return {
    ratio,
    figure: `CPU time of Debian's boot to the prompt, ${now.length} pairs: ${median(now).toFixed(2)} s, before (${commit}) ${median(before).toFixed(2)} s, median of the ratios ${ratio.toFixed(3)} (${ratios[0].toFixed(2)} to ${ratios.at(-1).toFixed(2)})`,
  };
}

export async function bootBefore() {
  const { ratio, figure } = comparedBoots(await bootPairs(BEFORE), BEFORE);
  return verdict({ "as fast as before": ratio <= NOISE }, figure);
}
