/** The fuzzer with a fixed seed and few cases, and every case that it ever found (tests/fuzz/found/). `npm run fuzz` is the long form. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { qemuMissing } from "../tools/bare-qemu";
import { random } from "../tools/core";
import { Backends } from "./backends";
import { compareOutcomes, describeDifference } from "./compare";
import { type FoundCase, fuzz } from "./fuzz";
import { randomCase, randomRegime } from "./generate";
import { runBatch, runBatchInQemu } from "./run";

const FOUND = fileURLToPath(new URL("found", import.meta.url));
const CASES = Number(process.env.FUZZ_CASES ?? 400);
if (qemuMissing !== undefined && process.env.REQUIRE_TOOLS === "1") throw new Error(qemuMissing);
const skipped = qemuMissing === undefined ? "" : ` (without QEMU: ${qemuMissing})`;

describe("fuzzer", () => {
  it(`finds nothing in ${CASES} cases of a fixed seed${skipped}`, async () => {
    const result = await fuzz({
      seed: 20261130,
      milliseconds: Number.POSITIVE_INFINITY,
      cases: CASES,
      qemu: qemuMissing === undefined,
      folder: undefined,
      report: () => {},
    });
    expect(result.found).toEqual([]);
    expect(result.cases).toBe(CASES);
    expect(result.byBothBackends).toBeGreaterThan(CASES / 2);
    if (qemuMissing === undefined) expect(result.inQemu).toBe(CASES);
  }, 300_000);

  it("makes the same cases from the same seed", () => {
    const make = (seed: number) => {
      const next = random(seed);
      const regime = randomRegime(next);
      return Array.from({ length: 20 }, () => randomCase(next, regime));
    };
    expect(make(3)).toEqual(make(3));
    expect(make(3)).not.toEqual(make(4));
  });

  it("reaches ends of every kind", async () => {
    const next = random(11);
    const regime = randomRegime(next);
    const cases = Array.from({ length: 300 }, () => randomCase(next, regime));
    const { outcomes, died } = await runBatch(regime, cases);
    expect([died, outcomes.size]).toEqual([false, cases.length]);
    const vectors = new Set([...outcomes.values()].map(({ vector }) => vector));
    for (const vector of [1, 6, 13, 14, 0x80]) expect(vectors, `vector ${vector}`).toContain(vector);
  });

  it("notices a wrong register, flag, exception and byte of memory", async () => {
    const next = random(12);
    const regime = randomRegime(next);
    const one = randomCase(next, regime);
    const outcome = (await runBatch(regime, [one])).outcomes.get(0)!;
    expect(compareOutcomes(one, outcome, { ...outcome })).toEqual([]);
    for (const field of ["eax", "esi", "vector", "eip", "data", "esp", "cs"] as const)
      expect(compareOutcomes(one, outcome, { ...outcome, [field]: outcome[field] ^ 4 }).map((each) => each.field)).toContain(field);
    expect(compareOutcomes(one, outcome, { ...outcome, eflags: outcome.eflags ^ 0x400 })).toHaveLength(1);
    expect(compareOutcomes(one, outcome, undefined)).toHaveLength(1);
  });
});

describe("what it found once", () => {
  const files = readdirSync(FOUND).filter((name) => name.endsWith(".json"));
  it("is kept", () => {
    expect(files.length).toBeGreaterThan(0);
  });
  for (const name of files) {
    const found = JSON.parse(readFileSync(join(FOUND, name), "utf8")) as FoundCase;
    it(`${name}, between backends`, async () => {
      expect((await Backends.create()).run(found.regime, found.case)).toBeUndefined();
    });
    it.skipIf(qemuMissing !== undefined)(`${name}, against QEMU${skipped}`, async () => {
      const [ours, theirs] = [await runBatch(found.regime, [found.case]), runBatchInQemu(found.regime, [found.case])];
      expect(compareOutcomes(found.case, ours.outcomes.get(0), theirs.outcomes.get(0)).map(describeDifference)).toEqual([]);
    });
  }
});
