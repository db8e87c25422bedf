/** test386.asm, unmodified but for its settings: reaches its last POST code, with the text of its reference file. */
import { describe, expect, it } from "vitest";
import { coreWasm } from "../tools/core";
import { findSuite } from "./folder";
import { nasmMissing, runTest386 } from "./test386";

const suite = findSuite("test386.asm");
const missing = "missing" in suite ? suite.missing : nasmMissing;

describe.skipIf(missing !== undefined)(`test386.asm${missing === undefined ? "" : ` (skipped: ${missing})`}`, () => {
  it.each([64, 128] as const)(
    "ROM of %i KB",
    async (kilobytes) => {
      const run = await runTest386((suite as { path: string }).path, kilobytes, coreWasm());
      expect(run.lastCode).toBe(0xff);
      expect(run.text === run.expected, "the text equals the reference file").toBe(true);
    },
    120_000,
  );
});
