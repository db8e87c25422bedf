/** UEFI firmware of other people, unmodified: from the reset vector through its own long mode to its shell, which answers. */
import { describe, expect, it } from "vitest";
import { tail, vitrine } from "../boot/command-line";
import { findSuite } from "./folder";

const suite = findSuite("OVMF.fd");
const missing = "missing" in suite ? suite.missing : undefined;

describe.skipIf(missing !== undefined)(`OVMF${missing === undefined ? "" : ` (skipped: ${missing})`}`, () => {
  it.each(["interp", "jit"])(
    "reaches its shell, which knows the memory map, --accel %s",
    async (accel) => {
      const run = await vitrine(
        [
          ...["run", "--bios", (suite as { path: string }).path, "--cpu", "x86-64-v2", "--memory", "256", "--accel", accel],
          ...["--until", "Total Memory:", "--timeout", "240"],
        ],
        {
          typing: [
            { after: "any other key to continue", send: "\r" },
            { after: "Shell> ", send: "memmap\r" },
          ],
        },
      );
      expect(run.status, tail(run)).toBe(0);
      expect(run.stdout).toMatch(/BS_Code +0000/);
    },
    300_000,
  );
});
