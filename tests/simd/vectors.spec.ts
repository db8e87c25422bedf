/**
 * Recordings from a real processor (AMD EPYC, family 25): every MMX and SSE encoding with every mandatory prefix, register and
 * memory, and floating point aimed at rounding, overflow, underflow, denormals and unmasked exceptions. Registers, flags, MXCSR,
 * x87 tags, memory, exceptions all equal; RCP and RSQRT within 1.5 × 2^-12.
 *
 * Full recordings: VITRINE_SUITES=folder, whose simd*.jsonl.gz (also in its i386-user/) are run too.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { ROWS } from "../../asm/isa/index";
import { hasModrm } from "../../asm/isa/operand";
import { type Vector, VectorMachine } from "../../web/node/vectors";
import { walkTables } from "../disasm/table-walk";
import { coreWasm } from "../tools/core";

const SAMPLE = fileURLToPath(new URL("../cpu/vectors/simd.sample.jsonl.gz", import.meta.url));
const bytes = (code: string): Uint8Array => Uint8Array.from(Buffer.from(code, "hex"));

function* vectorsOf(file: string): Generator<Vector> {
  const data = gunzipSync(readFileSync(file));
  for (let start = 0; start < data.length; ) {
    const end = data.indexOf(10, start);
    yield JSON.parse(data.toString("latin1", start, end)) as Vector;
    start = end + 1;
  }
}

let machine: VectorMachine;
beforeAll(async () => {
  machine = await VectorMachine.create(coreWasm());
});

/** The first differences, as sentences. */
function differences(vectors: Iterable<Vector>): string[] {
  const failed: string[] = [];
  for (const v of vectors) {
    const list = machine.run(v);
    if (list.length > 0 && failed.length < 5) failed.push(`${v.c}: ${list.join("; ")}`);
  }
  return failed;
}

describe("recorded SIMD vectors", () => {
  const sample = [...vectorsOf(SAMPLE)];

  it("cover every MMX, SSE, AES and PCLMULQDQ row in each of its forms, not only by faulting", () => {
    const missing = new Set<string>();
    ROWS.forEach((row, n) => {
      if (row.o64 || (row.unit !== "mmx" && row.unit !== "sse")) return;
      if (!hasModrm(row)) missing.add(`${row.mnemonic} (row ${n})`);
      else {
        if (row.mod !== "reg") missing.add(`${row.mnemonic} memory (row ${n})`);
        if (row.mod !== "mem" && !row.operands.some((operand) => operand.startsWith("M")))
          missing.add(`${row.mnemonic} register (row ${n})`);
      }
    });
    const all = missing.size;
    for (const v of sample) {
      if (v.sig !== undefined && v.trap !== 19) continue;
      const walked = walkTables(bytes(v.c), 32);
      const row = walked && ROWS[walked.row];
      if (!row) continue;
      const form = walked.modrm < 0 ? "" : walked.modrm < 0xc0 ? " memory" : " register";
      missing.delete(`${row.mnemonic}${form} (row ${walked.row})`);
    }
    expect(all).toBeGreaterThan(600);
    expect([...missing]).toEqual([]);
  });

  it("are met by translated code: the sample", async () => {
    const translator = await VectorMachine.create(coreWasm(), "jit");
    const failed: string[] = [];
    // That many functions a module.
    for (let at = 0; at < sample.length; at += 256) {
      const batch = sample.slice(at, at + 256);
      const translated = translator.translate(batch);
      for (const [n, v] of batch.entries()) {
        const list = translator.run(v, translated[n]);
        if (list.length > 0 && failed.length < 5) failed.push(`${v.c}: ${list.join("; ")}`);
      }
    }
    expect(failed).toEqual([]);
  });

  it("are met: the sample", () => {
    expect(differences(sample)).toEqual([]);
  });

  const suites = process.env.VITRINE_SUITES;
  const folders = suites ? [suites, join(suites, "i386-user")].filter((folder) => existsSync(folder)) : [];
  for (const folder of folders)
    for (const name of readdirSync(folder).filter((name) => /^simd.*\.jsonl\.gz$/.test(name)))
      it(`are met: ${name}`, () => {
        expect(differences(vectorsOf(join(folder, name)))).toEqual([]);
      }, 600_000);
});
