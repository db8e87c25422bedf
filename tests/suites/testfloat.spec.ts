/** Berkeley TestFloat's cases against x87 and SSE, evenly drawn; TESTFLOAT_CASES=0 runs all of level 1. */
import { describe, expect, it } from "vitest";
import { findSuite } from "./folder";
import { runTestFloat } from "./testfloat";

const suite = findSuite("testfloat/testfloat_gen");
const missing = "missing" in suite ? suite.missing : undefined;
const CASES = Number(process.env.TESTFLOAT_CASES ?? 300);

describe.skipIf(missing !== undefined)(`TestFloat${missing === undefined ? "" : ` (skipped: ${missing})`}`, () => {
  it("agrees in result and flags, in all roundings and precisions", async () => {
    const { cases, failed } = await runTestFloat((suite as { path: string }).path, CASES);
    expect(Object.fromEntries(failed)).toEqual({});
    expect(cases).toBeGreaterThan(30_000);
  }, 3_600_000);
});
