/**
 * Tools beyond npm that some tests use. As root on Debian they are installed by apt; otherwise those tests skip and say
 * why. REQUIRE_TOOLS=1 makes a missing tool a failure. `npm start` never comes here.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** command → Debian package, and the tiers that use it. */
const TOOLS = [
  { command: "nasm", package: "nasm", tiers: ["quick", "full"] },
  { command: "qemu-system-i386", package: "qemu-system-x86", tiers: ["quick", "full"] },
  { command: "cpio", package: "cpio", tiers: ["quick", "full"] },
  { command: "qemu-img", package: "qemu-utils", tiers: ["quick", "full"] },
  { command: "xz", package: "xz-utils", tiers: ["quick", "full"] },
  { command: "lz4", package: "lz4", tiers: ["quick", "full"] },
  { command: "gpg", package: "gnupg", tiers: ["quick", "full"] },
  { command: "gpgv", package: "gpgv", tiers: ["quick", "full"] },
  { command: "chromium", package: "chromium", tiers: ["full"] },
  { command: "gdb", package: "gdb", tiers: ["full"] },
  { command: "firefox-esr", package: "firefox-esr", tiers: ["full"] },
];

export function findTool(command) {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, command);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return undefined;
}

export function ensureTools(tier) {
  const missing = TOOLS.filter((tool) => tool.tiers.includes(tier) && !findTool(tool.command));
  if (missing.length === 0) return;
  const list = missing.map((tool) => tool.command).join(", ");
  const required = process.env.REQUIRE_TOOLS === "1";
  if (process.getuid?.() !== 0 || !findTool("apt-get")) {
    console.log(`tools: ${list} not found and not installable here; the tests that need them ${required ? "fail" : "are skipped"}`);
    return;
  }
  console.log(`tools: installing ${missing.map((tool) => tool.package).join(" ")} by apt`);
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args) => spawnSync("apt-get", args, { stdio: ["ignore", "ignore", "inherit"], env: environment }).status;
  if (apt("update", "-qq") !== 0 || apt("install", "-y", "-qq", "--no-install-recommends", ...missing.map((tool) => tool.package)) !== 0)
    console.log(`tools: apt could not install ${list}`);
}
