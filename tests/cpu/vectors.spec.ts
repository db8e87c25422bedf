/**
 * Recordings from a real processor: every integer encoding of 32-bit user mode once, with faults. Larger sets are run with
 * `npx vitrine vectors FILE…` or by naming a folder in VITRINE_SUITES.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Accel } from "../../web/machine/core-host";
import { type Vector, VectorMachine } from "../../web/node/vectors";
import { coreWasm } from "../tools/core";

const SAMPLE = fileURLToPath(new URL("vectors/int.sample.jsonl.gz", import.meta.url));
/** EFLAGS.AC set: which accesses check alignment, and by how much. Recorded on an Intel Xeon. */
const ALIGNMENT = fileURLToPath(new URL("vectors/alignment.sample.jsonl.gz", import.meta.url));
const suites = process.env.VITRINE_SUITES;
const folder = suites ? join(suites, "i386-user") : undefined;
const files =
  folder && existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith(".jsonl.gz"))
        .map((name) => join(folder, name))
    : [];
/** Segment overrides, redundant and reordered prefixes, LOCK and REP everywhere, more than 15 bytes. Recorded on an Intel Xeon. */
const FORMS = fileURLToPath(new URL("vectors/forms.sample.jsonl.gz", import.meta.url));

async function failures(file: string, accel: Accel = "interp"): Promise<{ run: number; failed: string[] }> {
  const machine = await VectorMachine.create(coreWasm(), accel);
  const vectors = gunzipSync(readFileSync(file))
    .toString()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Vector);
  const failed: string[] = [];
  const BATCH = 256;
  for (let first = 0; first < vectors.length; first += BATCH) {
    const batch = vectors.slice(first, first + BATCH);
    const translated = accel === "jit" ? machine.translate(batch) : [];
    for (const [n, vector] of batch.entries()) {
      const differences = machine.run(vector, translated[n]);
      if (differences.length > 0) failed.push(`${vector.c}: ${differences.join("; ")}`);
    }
  }
  return { run: vectors.length, failed };
}

describe("recorded integer vectors", () => {
  it("all pass, and there are thousands", async () => {
    const { run, failed } = await failures(SAMPLE);
    expect(failed.slice(0, 20)).toEqual([]);
    expect(run).toBeGreaterThan(7000);
  });

  it("check alignment as the processor did", async () => {
    const { run, failed } = await failures(ALIGNMENT);
    expect(failed.slice(0, 20)).toEqual([]);
    expect(run).toBeGreaterThan(900);
  });

  it.each(["interp", "jit"] as const)("hold under every prefix (%s)", async (accel) => {
    const { run, failed } = await failures(FORMS, accel);
    expect(failed.slice(0, 20)).toEqual([]);
    expect(run).toBeGreaterThan(1500);
  });

  it("notice a wrong result", async () => {
    const machine = await VectorMachine.create(coreWasm());
    const vector = JSON.parse(gunzipSync(readFileSync(SAMPLE)).toString().split("\n")[0]!) as Vector;
    expect(machine.run(vector)).toEqual([]);
    expect(machine.run({ ...vector, e: vector.e + 1 })).not.toEqual([]);
    expect(machine.run({ ...vector, F: vector.F ^ 1, u: 0 })).not.toEqual([]);
  });

  for (const file of files) {
    it(`suite ${file}`, async () => {
      expect((await failures(file)).failed.slice(0, 20)).toEqual([]);
    }, 600_000);
  }
});
