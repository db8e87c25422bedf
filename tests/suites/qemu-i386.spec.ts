/** QEMU's user-mode tests for i386: the same binaries natively and in the Debian guest. The programs of minutes run in `npm run accept -- 4.2`. */
import { describe, expect, it } from "vitest";
import { needGuest } from "../boot/prepared-guests";
import { findSuite } from "./folder";
import { compareLines, gccMissing, runQemuSuite } from "./qemu-i386";

const suite = findSuite("qemu-i386");
const missing = "missing" in suite ? suite.missing : gccMissing;

describe("QEMU's tests for i386", () => {
  it.skipIf(missing !== undefined)(
    `print in the guest what they print natively${missing === undefined ? "" : ` (skipped: ${missing})`}`,
    async (context) => {
      const guest = await needGuest(context, "debian");
      const result = await runQemuSuite((suite as { path: string }).path, guest, { long: false });
      expect(Object.fromEntries(result.failed)).toEqual({});
      expect(result.passed).toContain("test-i386");
      expect(result.linesCompared).toBeGreaterThan(4000);
    },
    900_000,
  );

  it("a difference is told by its first line", () => {
    expect(compareLines("a\nb\nc\n", "a\nb\nc\n", new Map()).difference).toBeUndefined();
    expect(compareLines("a\nx\ny\n", "a\nb\nc\n", new Map()).difference).toBe('2 lines differ; line 2: "x", natively "b"');
    expect(compareLines("a\n", "a\nb\n", new Map()).difference).toBe('2 lines differ; line 2: "", natively "b"');
  });
});
