/**
 * Recordings from a real processor (AMD EPYC, family 25), every x87 encoding with random operands, tags, masks, precision
 * and rounding, also under the prefixes 66 and 67: registers, flags, status, tags, memory, exceptions all equal; the
 * transcendentals within one unit in the last place.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { type Vector, VectorMachine } from "../../web/node/vectors";
import { coreWasm } from "../tools/core";
import { FpuMachine } from "./fpu-machine";

const file = fileURLToPath(new URL("../cpu/vectors/x87.sample.jsonl.gz", import.meta.url));
const vectors = gunzipSync(readFileSync(file))
  .toString()
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as Vector);

/** Opcode and ModRM after the prefixes. */
const opcodeOf = (v: Vector): [number, number] => {
  const code = v.c.replace(/^(66|67)+/, "");
  return [Number.parseInt(code.slice(0, 2), 16), Number.parseInt(code.slice(2, 4), 16)];
};
/** FISTTP came with SSE3. */
const isFisttp = (v: Vector): boolean => {
  const [opcode, modrm] = opcodeOf(v);
  return [0xdb, 0xdd, 0xdf].includes(opcode) && modrm < 0xc0 && ((modrm >> 3) & 7) === 1;
};

let machine: VectorMachine;
let sse3: boolean;
beforeAll(async () => {
  machine = await VectorMachine.create(coreWasm());
  sse3 = (await FpuMachine.create(4)).hasSse3();
});

describe("recorded x87 vectors", () => {
  it("cover every encoding of D8 to DF", () => {
    const seen = new Set(
      vectors.map((v) =>
        opcodeOf(v)
          .map((byte, n) => (n === 1 && byte < 0xc0 ? byte & 0x38 : byte))
          .join(),
      ),
    );
    expect(seen.size).toBe(8 * (8 + 64));
  });

  for (let opcode = 0xd8; opcode <= 0xdf; opcode++) {
    it(`${opcode.toString(16).toUpperCase()}: as recorded`, () => {
      const failed: string[] = [];
      for (const v of vectors) {
        if (opcodeOf(v)[0] !== opcode) continue;
        // A model without SSE3 must refuse FISTTP.
        const expected = isFisttp(v) && !sse3 ? { ...v, sig: 4, trap: 6, err: 0, e: 0, R: {}, X: v.x, M: [], F: v.f } : v;
        const differences = machine.run(expected as Vector);
        if (differences.length > 0) failed.push(`${v.c}: ${differences.join("; ")}`);
      }
      expect(failed.slice(0, 5)).toEqual([]);
    });
  }
});
