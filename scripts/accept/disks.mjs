/** Issue 3's line on disks, and issue 8's first: the page's process is killed again and again while the guest writes. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "../lib/paths.mjs";
import { page } from "./page.mjs";
import { verdict } from "./tools.mjs";

const killed = (line, kills) => ({
  line,
  title: `the page's process killed ${kills} times during heavy disk writing: synced files intact, fsck clean`,
  run: () => {
    process.env.DISK_KILLS = String(kills);
    return page("files that were synced are intact when the page's process is killed while it writes");
  },
});

/** The tests of a file, or those of this name in it, all of which must pass. */
function specs(file, env, what, name = "") {
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const { stdout } = spawnSync(process.execPath, [vitest, "run", file, "--reporter=json", ...(name ? ["-t", name] : [])], {
    cwd: ROOT,
    encoding: "utf8",
    stdio: ["ignore", "pipe", 2],
    maxBuffer: 1 << 26,
    env: { ...process.env, REQUIRE_TOOLS: "1", ...env },
  });
  const { numPassedTests: passed, numTotalTests, numPendingTests } = JSON.parse(stdout.slice(stdout.indexOf("{")));
  // With a name, the others are the pending ones; without, nothing may be skipped.
  const total = numTotalTests - (name ? numPendingTests : 0);
  return verdict({ "all of them": passed === total && total > 0 }, `${passed} of ${total} tests pass: ${what}`);
}

export const DISKS = [
  killed("3.4", 20),
  killed("8.1", 100),
  {
    line: "8.3",
    title: "a published link over 5 Mbit/s: usable before it is there, waits for a server that dies",
    run: () => page("a published Debian is usable before most of it is there"),
  },
  {
    line: "8.5",
    title: "snapshots of every earlier version of the format go on",
    run: () =>
      specs(
        "tests/snapshot/machine.spec.ts",
        {},
        "version 1, the first: the teaching kernel, and typed input",
        "files of earlier versions",
      ),
  },
  {
    line: "8.8",
    title: "qcow2 images of qemu-img read back the same; ours pass qemu-img check and compare",
    run: () =>
      specs(
        "tests/storage/qcow2.spec.ts",
        { QCOW2_ALL: "1" },
        "clusters of 512 bytes to 2 MB, versions 2 and 3, plain and deflate, subclusters, backing files; exports plain and compressed",
      ),
  },
];
