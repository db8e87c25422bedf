/** Exits: command line, counters and event ring agree, and the total is their sum. */
import { describe, expect, it } from "vitest";
import { countByRing, type ExitCounts, expectedExits, sumOf } from "./exits";

const CASES: readonly ExitCounts[] = [
  { cpuid: 100, in: 7, out: 5, movcr3: 3, invlpg: 9, hlt: 4, rdmsr: 6, pf: 11 },
  { cpuid: 0, in: 0, out: 0, movcr3: 0, invlpg: 0, hlt: 1, rdmsr: 0, pf: 0 },
  { cpuid: 3, in: 1000, out: 2000, movcr3: 1, invlpg: 1, hlt: 1, rdmsr: 1, pf: 500 },
  { cpuid: 1, in: 2, out: 3, movcr3: 400, invlpg: 5000, hlt: 60, rdmsr: 700, pf: 1 },
];

describe("the event ring", () => {
  it.each(CASES)("has exactly the events of %j", async (counts) => {
    const { output, ring, movCr3, exits, exitsTotal } = await countByRing(counts);
    expect(output).toBe("done\r\n");
    expect(ring).toMatchObject(expectedExits(counts));
    expect(movCr3).toBe(counts.movcr3);
    expect(exits).toEqual(ring);
    expect(sumOf(exits)).toBe(exitsTotal);
  });
});
