/**
 * Recordings of 64-bit code from a real processor (tests/cpu/recorder/record64.c): a sample of every row valid in 64-bit mode
 * that a program can record, with REX, 64-bit and RIP-relative addresses, faults included.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type LongVector, LongVectorMachine } from "../../web/node/vectors-long";
import { coreWasm } from "../tools/core";
import { longCoverage } from "./long-coverage";

const SAMPLE = fileURLToPath(new URL("vectors/long.sample.jsonl.gz", import.meta.url));
const vectors = gunzipSync(readFileSync(SAMPLE))
  .toString()
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as LongVector);

/** Functions of one module. */
const MODULE = 256;

describe("recorded vectors of 64-bit code", () => {
  it.each(["interp", "jit"] as const)("all pass with --accel %s, and there are thousands", async (accel) => {
    const machine = await LongVectorMachine.create(coreWasm(), accel);
    const failed: string[] = [];
    for (let at = 0; at < vectors.length; at += MODULE) {
      const batch = vectors.slice(at, at + MODULE);
      const translated = accel === "jit" ? machine.translate(batch) : undefined;
      for (const [n, vector] of batch.entries()) {
        const differences = machine.run(vector, translated?.[n]);
        if (differences.length > 0) failed.push(`${vector.c}: ${differences.join("; ")}`);
      }
    }
    expect(failed.slice(0, 20)).toEqual([]);
    expect(vectors.length).toBeGreaterThan(2500);
  });

  it("hold every row valid in 64-bit mode that is not named with a reason", async () => {
    const { missing, elsewhere, rows } = await longCoverage([SAMPLE]);
    expect(missing).toEqual([]);
    expect(elsewhere).toBeLessThan(25);
    expect(rows).toBeGreaterThan(900);
  });

  it("notice a wrong result", async () => {
    const machine = await LongVectorMachine.create(coreWasm());
    const vector = vectors.find((v) => v.sig === undefined && Object.keys(v.R).length > 0)!;
    expect(machine.run(vector)).toEqual([]);
    const [register, value] = Object.entries(vector.R)[0]!;
    expect(machine.run({ ...vector, R: { ...vector.R, [register]: `${value}0` } })).not.toEqual([]);
    expect(machine.run({ ...vector, F: vector.F ^ 1, u: 0 })).not.toEqual([]);
  });
});
