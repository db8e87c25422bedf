/** Before all tests: the build is up to date, and the guests are prepared if that is possible here. */
import { spawnSync } from "node:child_process";
import { ROOT } from "./site";

export default function prepare(): void {
  const build = spawnSync(process.execPath, ["scripts/build.mjs", "--if-stale"], { cwd: ROOT, stdio: "inherit" });
  if (build.status !== 0) throw new Error("the build failed");
  const guests = spawnSync(process.execPath, ["bin/vitrine.mjs", "guests", "prepare"], { cwd: ROOT, encoding: "utf8" });
  // Tests that need a guest then say why they are skipped.
  if (guests.status !== 0) process.env.VITRINE_TEST_NO_GUESTS = guests.stderr.trim().split("\n").at(-1) ?? "unknown reason";
}
