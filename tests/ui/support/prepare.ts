/**
 * Before all tests: the build is up to date, and the guests are prepared if that is possible here. NO_BUILD=1 tests what
 * was built last, while the sources are in the middle of a change.
 */
import { spawnSync } from "node:child_process";
import { ROOT } from "./site";

export default function prepare(): void {
  if (process.env.NO_BUILD !== "1") {
    const build = spawnSync(process.execPath, ["scripts/build.mjs", "--if-stale"], { cwd: ROOT, stdio: "inherit" });
    if (build.status !== 0) throw new Error("the build failed");
  }
  const prepareGuests = (...args: string[]) =>
    spawnSync(process.execPath, ["bin/vitrine.mjs", "guests", "prepare", ...args], { cwd: ROOT, encoding: "utf8" });
  const guests = prepareGuests();
  // On request, so that nobody fetches them for a test that may be skipped.
  if (process.env.REQUIRE_TOOLS === "1")
    for (const id of ["debian-amd64", "grub", ...(process.env.VITRINE_LONG === "2" ? ["debian-amd64-generic"] : [])]) {
      const { status, stderr } = prepareGuests("--only", id);
      if (status !== 0) throw new Error(`the guest "${id}" could not be prepared: ${stderr.trim()}`);
    }
  // Tests that need a guest then say why they are skipped.
  if (guests.status !== 0) process.env.VITRINE_TEST_NO_GUESTS = guests.stderr.trim().split("\n").at(-1) ?? "unknown reason";
}
