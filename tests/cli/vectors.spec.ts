/** `vitrine vectors`: files, totals, sentences, exit status; on the real core. */
import { existsSync, readFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { main } from "../../web/node/cli";
import { coreWasm } from "../tools/core";
import { FakeEnvironment } from "./fake-environment";

const built = existsSync(new URL("../../dist/core/core.wasm", import.meta.url));

/** ADD EBX,EAX: 7 + 5; and a fetch from address 7, where nothing is. */
const ADD = {
  ...{ c: "01c3", m: 1, k: 0, r: [5, 0, 0, 7, 0x20000800, 0, 0, 0], f: 0x202, p: [0x20000000, "00"], u: 0, e: 2 },
  ...{ R: { 3: 12 }, F: 0x4 },
};
const JUMP = {
  ...{ c: "ffe3", m: 1, k: 0, r: [5, 0, 0, 7, 0x20000800, 0, 0, 0], f: 0x202, p: [0x20000000, "00"], u: 0 },
  ...{ R: {}, F: 0, sig: 11, trap: 14, err: 20, cr2: 7, e: 7 - 0x10008000 },
};

class Environment extends FakeEnvironment {
  override loadWasm(): Promise<Uint8Array<ArrayBuffer>> {
    return Promise.resolve(coreWasm());
  }
}

async function run(args: readonly string[], files: Record<string, string | Uint8Array> = {}) {
  const environment = new Environment();
  for (const [name, contents] of Object.entries(files))
    environment.files.set(name, typeof contents === "string" ? new TextEncoder().encode(contents) : contents);
  const status = await main(["vectors", ...args], environment);
  return { status, out: environment.out, err: environment.err };
}
const lines = (...vectors: object[]): string => vectors.map((vector) => `${JSON.stringify(vector)}\n`).join("");

describe.skipIf(!built)(`vitrine vectors${built ? "" : " (skipped: run npm run build:core)"}`, () => {
  it("passes what was recorded, from plain and compressed files together", async () => {
    const file = lines(ADD, JUMP);
    const { status, out, err } = await run(["a.jsonl", "b.jsonl.gz", "--accel", "interp"], {
      "a.jsonl": file,
      "b.jsonl.gz": gzipSync(file),
    });
    expect([status, out, err]).toEqual([0, "4 passed, 0 failed, 0 skipped\n", ""]);
  });

  it("translates the instructions with --accel jit, and finds the same", async () => {
    const { status, out } = await run(["a.jsonl", "--accel", "jit"], { "a.jsonl": lines(ADD, JUMP, { ...ADD, e: 3 }) });
    expect(status).toBe(1);
    expect(out.split("\n").slice(0, 2)).toEqual([
      "a.jsonl, line 3: add ebx,eax (01c3): EIP +00000002, expected +00000003",
      "2 passed, 1 failed, 0 skipped",
    ]);
  });

  it("tells each difference as a sentence with the instruction", async () => {
    const wrong = { ...ADD, R: { 3: 13, 1: 1 }, F: 0x41, M: [[0x20000010, "0102"]] };
    const { status, out } = await run(["a.jsonl"], { "a.jsonl": lines(ADD, wrong, { ...JUMP, err: 21 }, { ...JUMP, trap: 13 }) });
    expect(status).toBe(1);
    const told = out.split("\n");
    expect(told[0]).toMatch(/^a\.jsonl, line 2: add ebx,eax \(01c3\): ecx 00000000, expected 00000001; ebx 0000000c, expected 0000000d;/);
    expect(told[0]).toContain("; flags PF, expected ZF CF; memory 20000010: ");
    expect(told[1]).toBe("a.jsonl, line 3: jmp ebx (ffe3): error code 00000014, expected 00000015");
    expect(told[2]).toBe("a.jsonl, line 4: jmp ebx (ffe3): #PF (error code 00000014), expected #GP");
    expect(told[3]).toBe("1 passed, 3 failed, 0 skipped");
  });

  it("tells the first of many, as many as --show says", async () => {
    const file = lines(...Array.from({ length: 12 }, () => ({ ...ADD, e: 3 })));
    const { out } = await run(["a.jsonl"], { "a.jsonl": file });
    expect(out.split("\n").slice(9)).toEqual([expect.stringContaining("line 10: "), "… and 2 more", "0 passed, 12 failed, 0 skipped", ""]);
    expect((await run(["a.jsonl", "--show=1"], { "a.jsonl": file })).out.split("\n")).toHaveLength(4);
    expect((await run(["a.jsonl", "--show", "0"], { "a.jsonl": file })).out).toBe("0 passed, 12 failed, 0 skipped\n");
  });

  it("skips what needs a feature that the CPU model does not have, and says which", async () => {
    const monitor = { ...ADD, c: "0f01c8", R: {}, F: 0, e: 3 };
    const { status, out } = await run(["a.jsonl"], { "a.jsonl": lines(ADD, monitor) });
    expect([status, out]).toEqual([0, "skipped 1: the CPU model has no monitor\n1 passed, 0 failed, 1 skipped\n"]);
  });

  it("runs captures beside recordings, and says by which rules some are skipped", async () => {
    const sample = readFileSync(new URL("../cpu/vectors/real-mode-80286.sample.MOO.gz", import.meta.url));
    const { status, out } = await run(["a.jsonl", "b.MOO.gz"], { "a.jsonl": lines(ADD), "b.MOO.gz": sample });
    expect(status).toBe(0);
    expect(out).toMatch(/^skipped \d+: AAM 0: a divide error leaves the flags as before;/);
    expect(out).toMatch(/\n\d{4} passed, 0 failed, \d+ skipped\n$/);
  });

  it("runs the recordings of this repository", async () => {
    const sample = gunzipSync(readFileSync(new URL("../cpu/vectors/x87.sample.jsonl.gz", import.meta.url)));
    const some = sample.toString().trim().split("\n").slice(0, 300);
    const { status, out } = await run(["x87.jsonl"], { "x87.jsonl": some.join("\n") });
    expect([status, out]).toEqual([0, "300 passed, 0 failed, 0 skipped\n"]);
  });

  it.each<[string, string[], Record<string, string | Uint8Array>, RegExp]>([
    ["no file", [], {}, /give at least one file/],
    ["an unknown option", ["--jit", "a"], {}, /unknown option --jit; vitrine vectors --help/],
    ["another accelerator", ["--accel=kvm", "a"], {}, /--accel kvm: give interp or jit/],
    ["a missing value", ["a", "--show"], {}, /--show needs a value/],
    ["a wrong count", ["a", "--show", "-1"], {}, /--show -1: give a whole number/],
    ["a missing file", ["a"], {}, /a: no such file/],
    ["an empty file", ["a"], { a: "\n" }, /a: holds no vectors/],
    ["captures without their header", ["a"], { a: gzipSync("MOO \x04\0\0\0") }, /a: ends within a chunk; get it again/],
    ["captures of another CPU", ["a"], { a: "MOO \x0c\0\0\0\x01\0\0\0\0\0\0\0C86 " }, /a: was captured from "C86 "; only "C286" is run/],
    ["text", ["a"], { a: `${lines(ADD)}hello\n` }, /a, line 2: is not JSON/],
    ["a field that is missing", ["a"], { a: lines({ ...ADD, r: undefined }) }, /a, line 1: "r" is missing/],
    ["a field that is wrong", ["a"], { a: lines({ ...ADD, c: "0g" }) }, /a, line 1: "c" is wrong/],
    ["a number", ["a"], { a: "5\n" }, /a, line 1: is not an object/],
    ["half a compressed file", ["a"], { a: gzipSync(lines(ADD, JUMP)).subarray(0, 60) }, /a: cannot be decompressed/],
  ])("answers %s with one line and status 2", async (_name, args, files, message) => {
    const { status, err } = await run(args, files);
    expect(status).toBe(2);
    expect(err).toMatch(/^vitrine vectors: [^\n]*\n$/);
    expect(err).toMatch(message);
  });

  it("explains itself", async () => {
    const { status, out } = await run(["--help"]);
    expect(status).toBe(0);
    expect(out).toContain("usage: vitrine vectors FILE…");
  });
});
